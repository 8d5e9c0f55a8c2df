// All stores: where images come from and where results go, by the values of the setting STORE.
import type { Redis } from 'ioredis';
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import { openFileStores } from './file-stores.ts';
import { openRedisStores } from './redis-stores.ts';
import type { Results } from './results.ts';
import { openS3Stores } from './s3-stores.ts';
import type { Inputs } from './store.ts';

export interface Stores {
  inputs: Inputs;
  results: Results;
  /** Keeps uploaded images among the inputs. Null if they are not kept. */
  uploads: { keep(id: string, bytes: Uint8Array): Promise<void> } | null;
  /** Returns how much of Redis's memory an upload that is kept, or a result, of this size takes. */
  memoryBytes(sizeBytes: number): number;
  /** Gets ready for the first result. Logs why and returns false if none can be written with these settings. */
  prepare(log: Log): Promise<boolean>;
}

/** One for each value of the setting. */
const open: Record<Config['store'], (config: Config, redis: Redis) => Stores> = {
  file: openFileStores,
  redis: openRedisStores,
  s3: openS3Stores,
};

/** Opens the stores that the settings ask for. */
export function openStores(config: Config, redis: Redis): Stores {
  return open[config.store](config, redis);
}
