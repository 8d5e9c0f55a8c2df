// The two stores of a deployment, by the setting STORE.
import type { Redis } from 'ioredis';
import type { Config } from '../config.ts';
import { FileStore } from './file-store.ts';
import { RedisStore } from './redis-store.ts';
import { outputName } from './names.ts';
import type { Store } from './store.ts';

export interface Stores {
  inputs: Store;
  outputs: Store;
  /** Whether an uploaded image is kept among the inputs. */
  keepsUploads: boolean;
  /** The name in `outputs` of the result of image `id`, which came as `name`. */
  outputName(id: string, name: string): string;
}

/**
 * `file`: INPUT_PATH and OUTPUT_PATH are folders, and a result is called after its image's name. `redis`: uploads and
 * results live in Redis for RECORD_TTL_S, a result beside others of the same name under its image's id.
 */
export function openStores(config: Config, redis: Redis): Stores {
  if (config.store === 'file') {
    return {
      inputs: new FileStore(config.inputPath),
      outputs: new FileStore(config.outputPath),
      keepsUploads: false,
      outputName: (_id, name) => outputName(name),
    };
  }
  return {
    inputs: new RedisStore(redis, `${config.keyPrefix}:inputs`, config.recordTtlS),
    outputs: new RedisStore(redis, `${config.keyPrefix}:outputs`, config.recordTtlS),
    keepsUploads: true,
    outputName: (id, name) => `${id}/${outputName(name)}`,
  };
}
