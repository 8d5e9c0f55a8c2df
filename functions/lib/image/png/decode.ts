// Decodes a PNG to bands of rows. Images are streamed: while one chunk is unfiltered here, the next is
// inflated on another thread. Interlaced images and images that have to be turned are put together first.
import { allocateFresh, type AllocateBand, bandsOf } from '../bands.ts';
import { type Bitmap, channelsOf, freeBytes } from '../pixels.ts';
import { channelsOfPng, orientationOfPng, type PngHeader, readPngHeader } from './header.ts';
import { inflateRows } from './inflate.ts';
import { filteredLength, type Pass, passesOf } from './passes.ts';
import { RowReader } from './row-reader.ts';

/**
 * Yields the image's rows from the top, upright, in bands of the full width. Each band has its own buffer
 * unless `allocate` returns another. Throws `invalid-image`; if the damage is in the image data, after the
 * last good band. Other work can run after every band.
 */
export async function* decodePng(
  bytes: Uint8Array,
  allocate: AllocateBand = allocateFresh,
): AsyncGenerator<Bitmap> {
  const header = readPngHeader(bytes);
  const orientation = orientationOfPng(header);
  if (!header.isInterlaced && orientation === 1) {
    for await (const { band } of readPasses(bytes, header, allocate)) yield band;
    return;
  }
  const image = await decodeWhole(bytes, header);
  for (const band of bandsOf(image, channelsOfPng(header), { orientation, allocate })) {
    yield band;
    await new Promise(setImmediate);
  }
  freeBytes(image.data);
}

/** Rows of a pass, from row `y` on. */
interface PassBand {
  band: Bitmap;
  pass: Pass;
  y: number;
}

async function* readPasses(
  bytes: Uint8Array,
  header: PngHeader,
  allocate: AllocateBand,
): AsyncGenerator<PassBand> {
  const passes = passesOf(header);
  let pass = passes[0];
  let rows = new RowReader(header, pass, allocate);
  let y = 0;
  for await (const chunk of inflateRows(bytes, header.imageDataAt, filteredLength(header))) {
    for (let at = 0; at < chunk.length;) {
      at = rows.read(chunk, at);
      const band = rows.takeBand();
      if (band === undefined) continue;
      yield { band, pass, y };
      y += band.height;
      if (rows.isDone && pass !== passes.at(-1)) {
        pass = passes[passes.indexOf(pass) + 1];
        rows = new RowReader(header, pass, allocate);
        y = 0;
      }
      // Lets the inflater get its next buffer when it has finished one, and lets other requests be answered.
      await new Promise(setImmediate);
    }
  }
}

/** Returns the whole image as it is stored. */
async function decodeWhole(bytes: Uint8Array, header: PngHeader): Promise<Bitmap> {
  const { width, height } = header;
  const image = { data: Buffer.allocUnsafeSlow(width * height * channelsOfPng(header)), width, height };
  let memory = Buffer.alloc(0);
  const reuseOne = (length: number): Buffer => {
    if (memory.length < length) memory = Buffer.allocUnsafeSlow(length);
    return memory.subarray(0, length);
  };
  for await (const { band, pass, y } of readPasses(bytes, header, reuseOne)) scatter(band, pass, y, image);
  return image;
}

/** Copies the rows of a pass, which begin at its row `y`, to their places in the image. */
function scatter(band: Bitmap, pass: Pass, y: number, image: Bitmap): void {
  const channels = channelsOf(image);
  const { data: pixels } = band;
  const { data: out } = image;
  // `| 0` keeps V8 in int32 arithmetic.
  const step = (pass.stepX * channels) | 0;
  const rowBytes = (band.width * channels) | 0;
  let from = 0;
  for (let row = 0; row < band.height; row++) {
    let to = (((pass.y + (y + row) * pass.stepY) * image.width + pass.x) * channels) | 0;
    for (const end = (from + rowBytes) | 0; from < end; from = (from + channels) | 0, to = (to + step) | 0) {
      out[to] = pixels[from];
      out[(to + 1) | 0] = pixels[(from + 1) | 0];
      out[(to + 2) | 0] = pixels[(from + 2) | 0];
      if (channels === 4) out[(to + 3) | 0] = pixels[(from + 3) | 0];
    }
  }
}
