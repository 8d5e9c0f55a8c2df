// Where in which bucket images are: `s3://bucket` or `s3://bucket/prefix`, the values of INPUT_PATH and
// OUTPUT_PATH with STORE=s3.
import { pathFault } from './names.ts';

export interface S3Place {
  bucket: string;
  /** '' or text that ends with a slash. Every key of the place begins with it. */
  prefix: string;
}

/** Services differ in what they allow, so this only refuses what cannot be part of a URL. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,221}$/;

/** Returns the place in `text`. Throws an Error that says what is required. */
export function parseS3Place(text: string): S3Place {
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]*)\/?(.*)$/s.exec(text) ?? [];
  const folder = path.replace(/\/$/, '');
  if (!BUCKET.test(bucket)) throw new Error('s3://BUCKET or s3://BUCKET/PREFIX');
  const fault = pathFault(folder);
  if (fault !== null) throw new Error(`s3://BUCKET/PREFIX with a usable prefix: it ${fault}`);
  return { bucket, prefix: folder === '' ? '' : `${folder}/` };
}

/** Returns whether everything in `place` is also in `other`. */
export function isWithin(place: S3Place, other: S3Place): boolean {
  return place.bucket === other.bucket && place.prefix.startsWith(other.prefix);
}
