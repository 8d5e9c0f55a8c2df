// Odd PNGs that are decoded: nothing of the picture is lost. The rule is libpng's verdict, but for files it refuses
// although every pixel is there.
import { deflateSync } from 'node:zlib';
import { drawPng, pngChunk } from '../drawn-png.ts';
import {
  around,
  chunk,
  colors,
  endlessRows,
  grey,
  greyAlpha,
  idat,
  IEND,
  indexed,
  interlaced,
  type OddPngs,
  rgb,
  rgba,
  streamOf,
  text,
  wide,
  withStream,
  withWrongCrc,
  zlibHeader,
} from './parts.ts';

/** Each file with a sound one that has the same pixels. */
export interface ToleratedPngs extends OddPngs {
  files: Record<string, [odd: Buffer, sound: Buffer]>;
}

const sound = {
  rgb: drawPng(rgb),
  rgba: drawPng(rgba),
  grey: drawPng(grey),
  greyAlpha: drawPng(greyAlpha),
  indexed: drawPng(indexed),
  interlaced: drawPng(interlaced),
};
/** What tRNS makes of the grey of 31 in `rgb`. */
const clear31 = drawPng({ ...rgb, transparency: [0, 31, 0, 31, 0, 31] });
const isClear31 = chunk('tRNS', 0, 31, 0, 31, 0, 31);
const isClear0 = chunk('tRNS', 0, 0, 0, 0, 0, 0);

const PLTE = chunk('PLTE', ...colors);
const largePLTE = chunk('PLTE', ...colors, ...Array<number>(90).fill(7));
const fewColors = colors.slice(0, 9);
const filledUp = [...fewColors, 0, 0, 0, 0, 0, 0];
const gAMA = chunk('gAMA', 0, 0, 177, 143);
const pHYs = chunk('pHYs', 0, 0, 11, 19, 0, 0, 11, 19, 1);
const endlessNote = Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(64 * 1024 * 1024))]);
const greyOf2Bits = { ...grey, bitDepth: 2, sample: (x: number) => x % 4 };
const oneMoreRow = (rows: Buffer): Buffer => Buffer.concat([rows, rows.subarray(0, 34)]);

export const tolerated: ToleratedPngs[] = [
  {
    why: 'more image data than the picture needs is ignored: every pixel is there',
    libpng: 'opens',
    sharp: 'opens',
    files: {
      'one row more than the header says': [drawPng({ ...rgb, alterRows: oneMoreRow }), sound.rgb],
      'one row more, interlaced': [drawPng({ ...interlaced, alterRows: oneMoreRow }), sound.rgb],
      'bytes after the zlib stream': [withStream(rgb, streamOf(rgb), text), sound.rgb],
      'an IDAT after the zlib stream': [around(rgb, { behind: [idat(text)] }), sound.rgb],
      'an IDAT after the zlib stream and a note': [around(rgb, { behind: [text, idat(text)] }), sound.rgb],
    },
  },
  {
    why: 'the zlib stream stops behind the last row, without its end or its checksum: every pixel is there',
    libpng: 'refuses',
    sharp: 'refuses',
    files: {
      'no zlib checksum': [withStream(rgb, streamOf(rgb).subarray(0, -4)), sound.rgb],
      'no zlib checksum, interlaced': [
        withStream(interlaced, streamOf(interlaced).subarray(0, -4)),
        sound.rgb,
      ],
      'half a zlib checksum': [withStream(rgb, streamOf(rgb).subarray(0, -2)), sound.rgb],
      'deflate data without an end': [withStream(rgb, zlibHeader(0x78), endlessRows(rgb)), sound.rgb],
      'a file cut in the CRC of the last IDAT': [sound.rgb.subarray(0, -14), sound.rgb],
      'a file cut in the zlib checksum': [sound.rgb.subarray(0, -18), sound.rgb],
    },
  },
  {
    why: 'browsers and Pillow always use the largest window, and so does Node: every pixel is there',
    libpng: 'refuses',
    sharp: 'refuses',
    files: {
      'a zlib window smaller than the data needs': [
        withStream(wide, zlibHeader(0x08), streamOf(wide).subarray(2)),
        drawPng(wide),
      ],
    },
  },
  {
    why: 'image data may be cut into chunks anywhere',
    libpng: 'opens',
    sharp: 'opens',
    files: {
      'empty IDATs': [drawPng({ ...rgb, idatSizes: [0, 3, 0, 0] }), sound.rgb],
      'a byte in each IDAT': [drawPng({ ...rgb, idatSizes: [1] }), sound.rgb],
      'a byte in each IDAT, interlaced': [drawPng({ ...interlaced, idatSizes: [1] }), sound.rgb],
    },
  },
  {
    why: 'what follows the last row is not looked at',
    libpng: 'opens',
    sharp: 'opens',
    files: {
      'bytes after IEND': [Buffer.concat([sound.rgb, text]), sound.rgb],
      'an IEND with data': [Buffer.concat([sound.rgb.subarray(0, -12), chunk('IEND', 1)]), sound.rgb],
      'PLTE behind the image data': [around(rgb, { behind: [PLTE] }), sound.rgb],
      'tRNS behind the image data': [around(rgb, { behind: [isClear31] }), sound.rgb],
      'tRNS behind the image data of a palette image': [
        around(indexed, { before: [PLTE], behind: [chunk('tRNS', 0)] }),
        sound.indexed,
      ],
    },
  },
  {
    why: 'libpng misses it only after the last row, when sharp, Pillow and browsers have the picture',
    libpng: 'refuses',
    sharp: 'opens',
    files: {
      'no IEND': [sound.rgb.subarray(0, -12), sound.rgb],
      'no IEND, interlaced': [sound.interlaced.subarray(0, -12), sound.rgb],
      'a cut IEND': [sound.rgb.subarray(0, -5), sound.rgb],
      'an IEND with a wrong CRC': [
        Buffer.concat([sound.rgb.subarray(0, -12), withWrongCrc(IEND)]),
        sound.rgb,
      ],
      'an unknown critical chunk behind the image data': [
        around(rgb, { behind: [chunk('ABCD', 1)] }),
        sound.rgb,
      ],
      'a chunk of 4 GB behind the image data': [
        Buffer.concat([sound.rgb.subarray(0, -12), Buffer.from('ffffffff74455874', 'hex')]),
        sound.rgb,
      ],
    },
  },
  {
    why: 'notes change no pixel: one that is damaged, unknown, doubled or too large is left out',
    libpng: 'opens',
    sharp: 'opens',
    files: {
      'a text with a wrong CRC': [around(rgb, { before: [withWrongCrc(text)] }), sound.rgb],
      'a gamma with a wrong CRC': [around(rgb, { before: [withWrongCrc(gAMA)] }), sound.rgb],
      'two gammas and two densities': [around(rgb, { before: [gAMA, gAMA, pHYs, pHYs] }), sound.rgb],
      'an unknown chunk': [around(rgb, { before: [chunk('zzZz', 1)] }), sound.rgb],
      'a note of over 8 MB': [
        around(rgb, { before: [pngChunk('tEXt', Buffer.alloc(8_500_000, 97))] }),
        sound.rgb,
      ],
      'a note that inflates without end': [
        around(rgb, { before: [pngChunk('zTXt', endlessNote)] }),
        sound.rgb,
      ],
      'a colour profile that inflates without end': [
        around(rgb, { before: [pngChunk('iCCP', endlessNote)] }),
        sound.rgb,
      ],
      'an empty colour profile': [around(rgb, { before: [chunk('iCCP')] }), sound.rgb],
    },
  },
  {
    why: 'the third letter is reserved; libpng 1.6.39 and Pillow do not look at it',
    libpng: 'opens',
    sharp: 'refuses',
    files: {
      'an unknown chunk with a small third letter': [around(rgb, { before: [chunk('zzzz', 1)] }), sound.rgb],
    },
  },
  {
    why: 'in an image without indices, a palette is only advice',
    libpng: 'opens',
    sharp: 'opens',
    files: {
      'PLTE of a wrong length in an RGB image': [around(rgb, { before: [chunk('PLTE', 1, 2)] }), sound.rgb],
      'PLTE of 257 colours in an RGB image': [
        around(rgb, { before: [pngChunk('PLTE', Buffer.alloc(771))] }),
        sound.rgb,
      ],
      'PLTE in a grey image': [around(grey, { before: [PLTE] }), sound.grey],
    },
  },
  {
    why: 'the same; libpng 1.6.39 checks it all the same',
    libpng: 'refuses',
    sharp: 'opens',
    files: {
      'PLTE with a wrong CRC in an RGB image': [around(rgb, { before: [withWrongCrc(PLTE)] }), sound.rgb],
      'PLTE with a wrong CRC in a grey image': [around(grey, { before: [withWrongCrc(PLTE)] }), sound.grey],
      'two PLTEs in an RGB image': [around(rgb, { before: [PLTE, PLTE] }), sound.rgb],
      'two PLTEs in a grey image': [around(grey, { before: [PLTE, PLTE] }), sound.grey],
    },
  },
  {
    why: 'the same; of an empty one even the newest libpng makes an error',
    libpng: 'refuses',
    sharp: 'refuses',
    files: { 'an empty PLTE in an RGB image': [around(rgb, { before: [chunk('PLTE')] }), sound.rgb] },
  },
  {
    why: 'colours no index can reach are left out, and an index without a colour is black',
    libpng: 'opens',
    sharp: 'opens',
    files: {
      'more colours than the bit depth can tell apart': [
        around(indexed, { before: [largePLTE] }),
        sound.indexed,
      ],
      'an index beyond the palette': [
        drawPng({ ...indexed, palette: fewColors }),
        drawPng({ ...indexed, palette: filledUp }),
      ],
      'an index beyond the palette and its alphas': [
        drawPng({ ...indexed, palette: fewColors, transparency: [9, 9, 9] }),
        drawPng({ ...indexed, palette: filledUp, transparency: [9, 9, 9] }),
      ],
    },
  },
  {
    why: 'transparency that does not fit the image is left out',
    libpng: 'opens',
    sharp: 'opens',
    files: {
      'tRNS before PLTE': [around(indexed, { before: [chunk('tRNS', 0), PLTE] }), sound.indexed],
      'more alphas than colours': [
        around(indexed, { before: [PLTE, chunk('tRNS', 0, 1, 2, 3, 4, 5)] }),
        sound.indexed,
      ],
      'more alphas than the bit depth can tell apart': [
        around(indexed, { before: [largePLTE, chunk('tRNS', ...Array<number>(20).fill(0))] }),
        sound.indexed,
      ],
      'no alphas': [around(indexed, { before: [PLTE, chunk('tRNS')] }), sound.indexed],
      'tRNS of 2 bytes in an RGB image': [around(rgb, { before: [chunk('tRNS', 0, 0)] }), sound.rgb],
      'tRNS of 1 byte in a grey image': [around(grey, { before: [chunk('tRNS', 0)] }), sound.grey],
      'tRNS in an RGBA image': [around(rgba, { before: [isClear31] }), sound.rgba],
      'tRNS in a grey image with alpha': [
        around(greyAlpha, { before: [chunk('tRNS', 0, 31)] }),
        sound.greyAlpha,
      ],
    },
  },
  {
    why: 'the first transparency that fits and is undamaged counts',
    libpng: 'opens',
    sharp: 'opens',
    files: {
      'two tRNS': [around(rgb, { before: [isClear31, isClear0] }), clear31],
      'a good tRNS after one with a wrong CRC': [
        around(rgb, { before: [withWrongCrc(isClear0), isClear31] }),
        clear31,
      ],
      'a good tRNS after one of a wrong length': [
        around(rgb, { before: [chunk('tRNS', 0, 0), isClear31] }),
        clear31,
      ],
    },
  },
  {
    why: 'the same; sharp stumbles over its own two passes over the file',
    libpng: 'opens',
    sharp: 'refuses',
    files: { 'tRNS with a wrong CRC': [around(rgb, { before: [withWrongCrc(isClear31)] }), sound.rgb] },
  },
  {
    why: 'of a transparent colour only as many bits count as samples have',
    libpng: 'opens',
    sharp: 'opens',
    files: {
      'tRNS beyond 8 bits': [drawPng({ ...rgb, transparency: [9, 31, 9, 31, 9, 31] }), clear31],
      'tRNS beyond 2 bits': [
        drawPng({ ...greyOf2Bits, transparency: [1, 6] }),
        drawPng({ ...greyOf2Bits, transparency: [0, 2] }),
      ],
    },
  },
];
