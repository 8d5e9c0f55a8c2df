// Reads an image that is to be sent.
import { openFile } from '../functions/lib/store/open-file.ts';

/** Returns the bytes of the file at `path`. Throws an Error if it is not a file, or if it is empty. */
export async function readImage(path: string): Promise<Uint8Array> {
  const { handle } = await openFile(path, path);
  try {
    const bytes = await handle.readFile();
    if (bytes.length === 0) throw new Error('the file is empty');
    return bytes;
  } finally {
    await handle.close();
  }
}
