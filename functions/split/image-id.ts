// The name and the id of an image. Hashes are computed in slices, because a large upload would block the event loop.
import { createHash } from 'node:crypto';
import { PNG } from '../lib/image/format.ts';
import { inSlices } from '../lib/slices.ts';

/** The fields that, together with the bytes, identify an image. */
export interface Identity {
  name: string;
  recipe: string;
  /** The format of the result: lib/image/format.ts. By default a PNG. */
  format?: string;
  /** Null where images have no owners. */
  owner: string | null;
}

/**
 * Returns the id of an image: the same for the same owner, bytes, recipe, format and name. An image with a PNG result has the
 * id that it had before other formats existed.
 */
export async function imageId(
  { name, recipe, format = PNG, owner }: Identity,
  bytes: Uint8Array,
): Promise<string> {
  const fields = [
    ...(owner === null ? [] : [owner]),
    name,
    format === PNG ? recipe : `${recipe} ${format}`,
    '',
  ];
  return (await sha256(fields.join('\n'), bytes)).slice(0, 24);
}

/** Returns the name of an image that was sent without one. */
export async function nameByBytes(bytes: Uint8Array): Promise<string> {
  return (await sha256('', bytes)).slice(0, 12);
}

async function sha256(head: string, bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256').update(head);
  for await (const slice of inSlices(bytes)) hash.update(slice);
  return hash.digest('hex');
}
