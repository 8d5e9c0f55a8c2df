// The two stores of a deployment, by the setting STORE.
import type { Redis } from 'ioredis';
import type { Config } from '../config.ts';
import { FileStore } from './file-store.ts';
import { RedisStore } from './redis-store.ts';
import { Results } from './results.ts';
import type { Store } from './store.ts';

export interface Stores {
  inputs: Store;
  results: Results;
  /** Whether an uploaded image is kept among the inputs. */
  keepsUploads: boolean;
}

/**
 * `file`: INPUT_PATH and OUTPUT_PATH are folders, and a result is called after its image's name. `redis`: uploads and
 * results live in Redis for RECORD_TTL_S, each result under its image's id.
 */
export function openStores(config: Config, redis: Redis): Stores {
  if (config.store === 'file') {
    return {
      inputs: new FileStore(config.inputPath),
      results: new Results(new FileStore(config.outputPath), false),
      keepsUploads: false,
    };
  }
  return {
    inputs: new RedisStore(redis, `${config.keyPrefix}:inputs`, config.recordTtlS),
    results: new Results(new RedisStore(redis, `${config.keyPrefix}:outputs`, config.recordTtlS), true),
    keepsUploads: true,
  };
}
