// PNGs that are refused: pixels are lost, or cannot be interpreted.
import { drawPng, headerChunk, pngChunk } from '../drawn-png.ts';
import {
  around,
  chunk,
  colors,
  endlessRows,
  fileOf,
  grey,
  headerClaiming,
  idat,
  IEND,
  indexed,
  interlaced,
  type OddPngs,
  rgb,
  streamOf,
  text,
  withStream,
  withWrongCrc,
  zlibHeader,
} from './parts.ts';

export interface RefusedPngs extends OddPngs {
  /** The message of the refusal. */
  message: RegExp;
  files: Record<string, Buffer>;
}

const sound = drawPng(rgb);
const IHDR = headerChunk(rgb);
const PLTE = chunk('PLTE', ...colors);
const stream = streamOf(rgb);
const IDAT = idat(stream);
const oneByteLess = (rows: Buffer): Buffer => rows.subarray(0, -1);
/** Returns the rows with a non-existent filter on the row that starts at `at`. */
const withFilter5 =
  (at: number) =>
  (rows: Buffer): Buffer =>
    Buffer.concat([rows.subarray(0, at), Buffer.from([5]), rows.subarray(at + 1)]);
/** Returns the stream with one byte changed, counted from its end. */
const changed = (at: number): Buffer => {
  const copy = Buffer.from(stream);
  copy[copy.length + at] ^= 0x55;
  return copy;
};

export const refused: RefusedPngs[] = [
  {
    why: 'pixels are missing',
    libpng: 'refuses',
    sharp: 'refuses',
    message: /holds \d+ of \d+ bytes of undamaged image data/,
    files: {
      'a row missing': drawPng({ ...rgb, alterRows: (rows) => rows.subarray(0, -34) }),
      'a byte missing': drawPng({ ...rgb, alterRows: oneByteLess }),
      'a byte missing, interlaced': drawPng({ ...interlaced, alterRows: oneByteLess }),
      'a byte and the zlib checksum missing': drawPng({
        ...rgb,
        alterRows: oneByteLess,
        alterStream: (all) => all.subarray(0, -4),
      }),
      'image data cut short': withStream(rgb, stream.subarray(0, -12)),
      'a file cut in its image data': sound.subarray(0, -40),
      'empty image data': fileOf(IHDR, idat(Buffer.alloc(0)), IEND),
      'another chunk amid the image data': fileOf(
        IHDR,
        idat(stream.subarray(0, 40)),
        text,
        idat(stream.subarray(40)),
        IEND,
      ),
    },
  },
  {
    why: 'the file ends before its pixels begin',
    libpng: 'refuses',
    sharp: 'refuses',
    message: /cut off after \d+ bytes/,
    files: {
      'a file cut in its header': sound.subarray(0, 20),
      'a file cut after its header': sound.subarray(0, 37),
      'a chunk of 2 GB before the image data': fileOf(
        IHDR,
        Buffer.from('8000000074455874', 'hex'),
        IDAT,
        IEND,
      ),
    },
  },
  {
    why: 'the file has an end but no pixels',
    libpng: 'refuses',
    sharp: 'refuses',
    message: /has no image data/,
    files: { 'no image data': fileOf(IHDR, IEND), 'image data after IEND': fileOf(IHDR, IEND, IDAT) },
  },
  {
    why: 'the bytes are not those that were written, and nobody knows which pixels changed',
    libpng: 'refuses',
    sharp: 'refuses',
    message: /damaged/,
    files: {
      'a header with a wrong CRC': fileOf(withWrongCrc(IHDR), IDAT, IEND),
      'a palette with a wrong CRC': around(indexed, { before: [withWrongCrc(PLTE)] }),
      'image data with a wrong CRC': fileOf(IHDR, withWrongCrc(IDAT), IEND),
      'the first of two IDATs with a wrong CRC': fileOf(
        IHDR,
        withWrongCrc(idat(stream.subarray(0, 30))),
        idat(stream.subarray(30)),
        IEND,
      ),
      'a wrong zlib checksum': withStream(rgb, changed(-1)),
      'deflate data that gives other pixels': withStream(rgb, changed(-20)),
      'deflate data damaged after the last row': withStream(
        rgb,
        zlibHeader(0x78),
        endlessRows(rgb),
        Buffer.from([7, 7, 7]),
      ),
      'a distance that points before the first byte': withStream(
        rgb,
        zlibHeader(0x78),
        Buffer.from('63606202', 'hex'),
        stream.subarray(2),
      ),
    },
  },
  {
    why: 'the data is not zlib as PNG requires it',
    libpng: 'refuses',
    sharp: 'refuses',
    message: /cannot be inflated/,
    files: {
      'zlib compression method 9': withStream(rgb, zlibHeader(0x79), stream.subarray(2)),
      'a zlib window of 64 KiB': withStream(rgb, zlibHeader(0x88), stream.subarray(2)),
      'a wrong check in the zlib header': withStream(rgb, Buffer.from([0x78, 0x02]), stream.subarray(2)),
      'a zlib dictionary': withStream(rgb, zlibHeader(0x78, 0x20), Buffer.alloc(4), stream.subarray(2)),
    },
  },
  {
    why: 'the filter does not exist',
    libpng: 'refuses',
    sharp: 'refuses',
    message: /filter 5, which does not exist/,
    files: {
      'filter 5': drawPng({ ...rgb, alterRows: withFilter5(34) }),
      'filter 5, interlaced': drawPng({ ...interlaced, alterRows: withFilter5(0) }),
    },
  },
  {
    why: 'the header describes an impossible image',
    libpng: 'refuses',
    sharp: 'refuses',
    message: /claims/,
    files: {
      'no width': fileOf(headerChunk({ ...rgb, width: 0 }), IDAT, IEND),
      'no height': fileOf(headerChunk({ ...rgb, height: 0 }), IDAT, IEND),
      'a width of 2^31': fileOf(headerChunk({ ...rgb, width: 2 ** 31 }), IDAT, IEND),
      'colour type 1': fileOf(headerClaiming(8, 1), IDAT, IEND),
      'RGB of 4 bits': fileOf(headerClaiming(4, 2), IDAT, IEND),
      'a palette of 16 bits': fileOf(headerClaiming(16, 3), PLTE, IDAT, IEND),
      'grey of 3 bits': fileOf(headerClaiming(3, 0), IDAT, IEND),
      'compression method 1': fileOf(headerClaiming(8, 2, 1), IDAT, IEND),
      'filter method 1': fileOf(headerClaiming(8, 2, 0, 1), IDAT, IEND),
      'filter method 64': fileOf(headerClaiming(8, 2, 0, 64), IDAT, IEND),
      'interlace method 2': fileOf(headerClaiming(8, 2, 0, 0, 2), IDAT, IEND),
    },
  },
  {
    why: 'the header is invalid, or not the only one',
    libpng: 'refuses',
    sharp: 'refuses',
    message: /header|IHDR|IDAT/,
    files: {
      'a header of 12 bytes': fileOf(pngChunk('IHDR', IHDR.subarray(8, 20)), IDAT, IEND),
      'a header of 14 bytes': fileOf(pngChunk('IHDR', IHDR.subarray(8, 22)), IDAT, IEND),
      'two headers': fileOf(IHDR, IHDR, IDAT, IEND),
      'no header': fileOf(IDAT, IEND),
    },
  },
  {
    why: 'the colours are not known',
    libpng: 'refuses',
    sharp: 'refuses',
    message: /palette/,
    files: {
      'no palette': around(indexed, {}),
      'a palette after the image data': around(indexed, { behind: [PLTE] }),
      'a palette of 4 bytes': around(indexed, { before: [chunk('PLTE', 1, 2, 3, 4)] }),
      'an empty palette': around(indexed, { before: [chunk('PLTE')] }),
      'a palette of 257 colours': around(indexed, { before: [pngChunk('PLTE', Buffer.alloc(771))] }),
      'two palettes': around(indexed, { before: [PLTE, PLTE] }),
    },
  },
  {
    why: 'the meaning of the pixels may depend on an unknown chunk',
    libpng: 'refuses',
    sharp: 'refuses',
    message: /not understood|no chunk where/,
    files: {
      'an unknown critical chunk': around(rgb, { before: [chunk('ABCD', 1)] }),
      'an invalid name': around(grey, { before: [chunk('a1cd', 1)] }),
    },
  },
];
