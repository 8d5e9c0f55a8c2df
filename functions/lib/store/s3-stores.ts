// STORE=s3: INPUT_PATH and OUTPUT_PATH are places in buckets, and a result is named after its image.
import type { Config } from '../config.ts';
import { LabelledResults } from './labelled-results.ts';
import type { S3Bucket } from './s3-bucket.ts';
import { isTemporary } from './s3-faults.ts';
import { isWithin, parseS3Place } from './s3-place.ts';
import { S3Store } from './s3-store.ts';
import type { Stores } from './stores.ts';

export function openS3Stores(config: Config): Stores {
  const input = parseS3Place(config.inputPath);
  const output = parseS3Place(config.outputPath);
  const bucketOf = loadBuckets(config);
  return {
    inputs: new S3Store(bucketOf(input.bucket), input, isWithin(output, input) ? output : null),
    results: new LabelledResults(new S3Store(bucketOf(output.bucket), output), config.resultTtlS),
    uploads: null,
    memoryBytes: () => 0,
    async prepare(log) {
      try {
        await (await bucketOf(output.bucket)()).check(output.prefix);
        return true;
      } catch (error) {
        const isUsableLater = isTemporary(error);
        const message = isUsableLater ? 'OUTPUT_PATH cannot be used yet' : 'OUTPUT_PATH cannot be used';
        log[isUsableLater ? 'warn' : 'error'](message, { path: config.outputPath, error });
        return isUsableLater;
      }
    },
  };
}

/**
 * Starts to load the client, which takes a moment, while the rest of the function starts. Returns a function
 * that returns how to get a bucket.
 */
function loadBuckets(config: Config): (name: string) => () => Promise<S3Bucket> {
  const loading = import('./s3-bucket.ts');
  loading.catch(() => {}); // Thrown when it is awaited.
  return (name) => {
    let bucket: S3Bucket | null = null;
    return async () => (bucket ??= new (await loading).S3Bucket(name, config));
  };
}
