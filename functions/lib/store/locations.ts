// Where images and results are, as URLs that programs outside of Tessera understand. For the events that an image is done
// or has failed.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Config } from '../config.ts';
import { parseS3Place } from './s3-place.ts';

export interface Locations {
  /** Returns the URL of a stored input, or null if it has none. */
  input: (name: string) => string | null;
  /** Returns the URL of the result at `place`, or null if only split can send it. */
  output: (place: string) => string | null;
}

type Settings = Pick<Config, 'store' | 'inputPath' | 'outputPath'>;

/** One for each value of the setting STORE. */
const locations: Record<Config['store'], (settings: Settings) => Locations> = {
  file: ({ inputPath, outputPath }) => ({
    input: (name) => pathToFileURL(resolve(inputPath, name)).href,
    output: (place) => pathToFileURL(resolve(outputPath, place)).href,
  }),
  s3: ({ inputPath, outputPath }) => ({
    input: (name) => s3Url(inputPath, name),
    output: (place) => s3Url(outputPath, place),
  }),
  redis: () => ({ input: () => null, output: () => null }),
};

export function locationsOf(settings: Settings): Locations {
  return locations[settings.store](settings);
}

function s3Url(path: string, name: string): string {
  const { bucket, prefix } = parseS3Place(path);
  return `s3://${bucket}/${(prefix + name).split('/').map(encodeURIComponent).join('/')}`;
}
