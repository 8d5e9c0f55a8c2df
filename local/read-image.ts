// Reads an image that is to be sent.
import { isJpeg } from '../functions/lib/image/jpeg/header.ts';
import { describeOther } from '../functions/lib/image/other-formats.ts';
import { isPng } from '../functions/lib/image/png/chunks.ts';
import { openFile } from '../functions/lib/store/open-file.ts';

/** Returns the bytes of the file at `path`. Throws an Error if it is not a file, or not an image. */
export async function readImage(path: string): Promise<Uint8Array> {
  const { handle } = await openFile(path, path);
  try {
    const bytes = await handle.readFile();
    if (bytes.length === 0) throw new Error('the file is empty');
    if (!isPng(bytes) && !isJpeg(bytes)) throw new Error(describeOther(bytes));
    return bytes;
  } finally {
    await handle.close();
  }
}
