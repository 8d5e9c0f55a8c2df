// Does what the pipeline does with an image, with the same code, in one process and without Redis or HTTP.
import { writeFile } from 'node:fs/promises';
import { convolve } from '../../functions/blur/convolve/convolve.ts';
import { bandsOf } from '../../functions/lib/image/bands.ts';
import { decodeBands, readHeader } from '../../functions/lib/image/read.ts';
import type { Bitmap } from '../../functions/lib/image/pixels.ts';
import { encodePng } from '../../functions/lib/image/png/encode.ts';

/** Decodes, blurs and encodes with Tessera's code: the least time that the pipeline could take. */
export async function blurInOneProcess(image: Uint8Array, path: string, kernelSize: number): Promise<void> {
  const header = readHeader(image);
  const bands: Uint8Array[] = [];
  for await (const band of decodeBands(image, header, {
    timeoutMs: 60_000,
    memoryBytes: 1e9,
    scanPixels: 1e9,
  }))
    bands.push(band.data);
  const { width, height, channels } = header;
  const blurred = convolve({ data: Buffer.concat(bands), width, height }, kernelSize);
  await writeFile(path, encodePng({ width, height, channels }, asBands(blurred, channels)));
}

function asBands(bitmap: Bitmap, channels: 3 | 4): Iterable<Bitmap> {
  return channels === 3 ? [bitmap] : bandsOf(bitmap, channels);
}
