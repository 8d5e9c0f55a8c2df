// JPEG bytes to bands of rows, by mozjpeg compiled to WebAssembly. Loaded with the first JPEG, not before.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { MozJPEGModule } from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import { Problem } from '../../errors.ts';
import { bandsOf } from '../bands.ts';
import { readJpegHeader } from './header.ts';
import type { Bitmap } from '../pixels.ts';

/**
 * The image's rows from the top, upright, 3 bytes a pixel, each band in a buffer of its own. Throws `invalid-image`,
 * or `unsupported-image` for kinds of JPEG that are not decoded here; a JPEG has no checksums, so damage that still
 * decodes goes unnoticed. Holds the whole image, and blocks the thread while it decodes.
 */
export async function* decodeJpeg(bytes: Uint8Array): AsyncGenerator<Bitmap> {
  const { orientation } = readJpegHeader(bytes);
  yield* bandsOf(await decodeStored(bytes), 3, { orientation });
}

/** The picture as stored, not turned, as RGBA. Throws like {@link decodeJpeg}. */
export async function decodeStored(bytes: Uint8Array): Promise<Bitmap> {
  const { width, height } = readJpegHeader(bytes);
  const messages: string[] = [];
  // An instance is made for each image: the decoder leaves by exit() at a fault and can't be entered again, and its
  // memory only ever grows.
  const decoder = await instantiate((message) => messages.push(message));
  let image: { data: Uint8ClampedArray; width: number; height: number } | null;
  try {
    image = decoder.decode(bytes, false);
  } catch (cause) {
    throw new Problem('invalid-image', damaged(messages), { cause });
  }
  if (messages.some((message) => isDataLoss(message))) throw new Problem('invalid-image', damaged(messages));
  if (image === null || image.width * image.height !== width * height) {
    throw new Problem('invalid-image', damaged(['its size is not the one in its header']));
  }
  const { buffer, byteOffset, length } = image.data;
  return { data: new Uint8Array(buffer, byteOffset, length), width: image.width, height: image.height };
}

/** Where pixels are lost the decoder puts grey, and warns. It also warns of stray bytes between segments: no loss. */
function isDataLoss(message: string): boolean {
  return !message.includes('extraneous bytes');
}

function damaged(messages: string[]): string {
  return `The JPEG is damaged: ${messages.join('; ') || 'it cannot be decoded'}`;
}

const wasmName = 'mozjpeg_dec.wasm';

let wasm: Promise<Buffer> | undefined;

async function instantiate(onMessage: (message: string) => void): Promise<MozJPEGModule> {
  const { default: createModule } = await import('@jsquash/jpeg/codec/dec/mozjpeg_dec.js');
  wasm ??= readWasm();
  // Given as bytes (2 ms to compile), for the package would fetch() its file, which Node does not do for files.
  const options = { noInitialRun: true, wasmBinary: await wasm, printErr: onMessage };
  return createModule(options);
}

/** The decoder lies beside a bundle, where the build puts a copy; run from source, it is in its package. */
async function readWasm(): Promise<Buffer> {
  const copy = join(import.meta.dirname, wasmName);
  const inPackage = `@jsquash/jpeg/codec/dec/${wasmName}`;
  return readFile(existsSync(copy) ? copy : createRequire(import.meta.url).resolve(inPackage));
}
