// STORE=redis: uploads and results are in Redis, each with its image.
import type { Redis } from 'ioredis';
import type { Config } from '../config.ts';
import { ImageBlobs } from '../queue/image-blobs.ts';
import { blobMemoryBytes } from '../redis/blob.ts';
import { RedisResults } from './redis-results.ts';
import { RedisUploads } from './redis-uploads.ts';
import type { Stores } from './stores.ts';

export function openRedisStores({ keyPrefix, storedInputs, ownImagesOnly }: Config, redis: Redis): Stores {
  const blobs = new ImageBlobs(redis, keyPrefix);
  const uploads = new RedisUploads(blobs);
  // If nobody may request stored inputs, keeping uploads is a waste of memory. Uploads with an owner are never kept.
  const areUploadsKept = storedInputs === 'on' && ownImagesOnly === 'off';
  return {
    inputs: uploads,
    results: new RedisResults(blobs),
    uploads: areUploadsKept ? uploads : null,
    memoryBytes: blobMemoryBytes,
    prepare: async () => true,
  };
}
