// Which stored input an object of a bucket is, for events about buckets. With STORE=s3 INPUT_PATH names the bucket. With STORE=file
// its folder stands for the bucket, which may have any name: the folder is a mount or a copy of it.
import { relative, resolve, sep } from 'node:path';
import type { Config } from '../config.ts';
import { pathFault } from './names.ts';
import { storedAs } from './s3-listing.ts';
import { isWithin, parseS3Place } from './s3-place.ts';

/** A stored input, and its key in the store, whose accents may be stored in another way. */
export interface NamedObject {
  name: string;
  key: string;
}

/** The stored input, or the reason why the object is none: words that can follow "it". */
export type ObjectName = NamedObject | { fault: string };

export type NameObject = (bucket: string, key: string) => ObjectName;

type Settings = Pick<Config, 'store' | 'inputPath' | 'outputPath'>;

/** One for each value of the setting STORE; null if there are no objects that events could name. */
const naming: Record<Config['store'], ((settings: Settings) => NameObject) | null> = {
  s3: ({ inputPath, outputPath }) => {
    const [input, output] = [parseS3Place(inputPath), parseS3Place(outputPath)];
    const results = isWithin(output, input) ? output.prefix.slice(input.prefix.length) : '';
    return (bucket, key) => {
      if (bucket === '') return { fault: 'has no bucket in the event' };
      if (bucket !== input.bucket) return { fault: `is in the bucket ${JSON.stringify(bucket)}` };
      if (!key.startsWith(input.prefix)) return { fault: 'is not under INPUT_PATH' };
      const named = nameUnder(key.slice(input.prefix.length), results);
      if ('fault' in named || storedAs(named.name).includes(named.key)) return named;
      return { fault: 'has accents that are stored in two ways' };
    };
  },
  file: ({ inputPath, outputPath }) => {
    const path = relative(resolve(inputPath), resolve(outputPath)).split(sep).join('/');
    const results = path === '' || path === '..' || path.startsWith('../') ? '' : `${path}/`;
    return (_bucket, key) => nameUnder(key, results);
  },
  redis: null,
};

/** Returns how objects are named with these settings; null if stored inputs are not objects. */
export function objectNaming(settings: Settings): NameObject | null {
  return naming[settings.store]?.(settings) ?? null;
}

/** `results`: the part of the inputs where results go; '' if there is no such part. */
function nameUnder(key: string, results: string): ObjectName {
  if (key === '' || key.endsWith('/')) return { fault: 'is a folder' };
  if (results !== '' && key.startsWith(results)) return { fault: 'is under OUTPUT_PATH' };
  const name = key.normalize('NFC');
  const fault = pathFault(name);
  return fault === null ? { name, key } : { fault };
}
