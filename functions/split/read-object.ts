// Reads the object that an event names, with the metadata of the same version.
import { Problem } from '../lib/errors.ts';
import type { NamedObject, NameObject } from '../lib/store/object-names.ts';
import type { Inputs, StoredObject } from '../lib/store/store.ts';
import type { WrittenObject } from './bucket-events.ts';

type Read = (key: string) => Promise<StoredObject | null>;
export type ReadObject = StoredObject & { name: string };

/**
 * Returns the object that `written` names. Throws Problem `not-found` if it is gone, `invalid-name` if another object has its
 * name, and what `inputs` throws.
 */
export async function readObject(
  written: WrittenObject,
  nameOf: NameObject,
  inputs: Inputs,
  maxBytes: number,
): Promise<ReadObject> {
  const read = (key: string) => inputs.readObject?.(key, maxBytes).catch(nullIfMissing) ?? missing();
  const found = await findObject(written, nameOf, read);
  if (found === null) throw new Problem('not-found', 'There is no such object here.');
  await assertNameIsFree(found, read);
  return { ...found.object, name: found.name };
}

type Found = NamedObject & { object: StoredObject };

/** Returns the object under the first of its possible keys. If there are several, the event says which one it means. */
async function findObject(written: WrittenObject, nameOf: NameObject, read: Read): Promise<Found | null> {
  let first: Found | null = null;
  for (const each of written.keys) {
    const named = nameOf(written.bucket, each);
    const object = 'fault' in named ? null : await read(named.key);
    if ('fault' in named || object === null) continue;
    const found = { ...named, object };
    if (isMeant(object, written)) return found;
    first ??= found;
  }
  return first;
}

function isMeant({ etag, bytes }: StoredObject, written: WrittenObject): boolean {
  if (etag !== null && written.etag !== null) return etag === written.etag;
  return written.sizeBytes === null || written.sizeBytes === bytes.length;
}

/** Throws a Problem if there is another object whose key only differs in how its accents are stored: it has the name. */
async function assertNameIsFree({ name, key, object }: Found, read: Read): Promise<void> {
  if (key === name) return;
  const other = await read(name);
  if (other === null || Buffer.compare(other.bytes, object.bytes) === 0) return;
  throw new Problem('invalid-name', 'Another object has the same name, with accents stored differently.');
}

async function missing(): Promise<null> {
  return null;
}

function nullIfMissing(error: unknown): null {
  if (error instanceof Problem && error.code === 'not-found') return null;
  throw error;
}
