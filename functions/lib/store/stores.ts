// Where a deployment's images come from and go to, by the setting STORE.
import type { Redis } from 'ioredis';
import type { Config } from '../config.ts';
import { ImageBlobs } from '../queue/image-blobs.ts';
import { FileStore } from './file-store.ts';
import { LabelledResults } from './labelled-results.ts';
import { RedisResults } from './redis-results.ts';
import { RedisUploads } from './redis-uploads.ts';
import type { Results } from './results.ts';
import type { Inputs } from './store.ts';

export interface Stores {
  inputs: Inputs;
  results: Results;
  /** Keeps uploaded images among the inputs; null if INPUT_PATH is a folder. */
  uploads: Pick<RedisUploads, 'keep'> | null;
}

/**
 * `file`: INPUT_PATH and OUTPUT_PATH are folders, and a result is named after its image. `redis`: uploads and
 * results are in Redis, each with its image.
 */
export function openStores(config: Config, redis: Redis): Stores {
  const { keyPrefix, resultTtlS, storedInputs } = config;
  if (config.store === 'file') {
    const results = new LabelledResults(new FileStore(config.outputPath), resultTtlS);
    return { inputs: new FileStore(config.inputPath), results, uploads: null };
  }
  const blobs = new ImageBlobs(redis, keyPrefix);
  const uploads = new RedisUploads(blobs);
  // If nobody may request stored inputs, keeping uploads is a waste of memory.
  return {
    inputs: uploads,
    results: new RedisResults(blobs),
    uploads: storedInputs === 'on' ? uploads : null,
  };
}
