// PNGs with odd chunks before the image data that are decoded nevertheless: the odd parts are left out or cut
// to size, as in libpng.
import { deflateSync } from 'node:zlib';
import { drawPng, headerChunk, pngChunk } from '../drawn-png.ts';
import {
  around,
  chunk,
  colors,
  fileOf,
  grey,
  greyAlpha,
  idat,
  IEND,
  indexed,
  rgb,
  rgba,
  sound,
  streamOf,
  text,
  type ToleratedPngs,
  withWrongCrc,
} from './parts.ts';

/** The result of a tRNS for the grey of 31 in `rgb`. */
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

export const toleratedChunks: ToleratedPngs[] = [
  {
    why: 'notes change no pixel: damaged, unknown, repeated and too large ones are left out',
    libpng: 'opens',
    sharp: 'opens',
    files: {
      'a text with a wrong CRC': [around(rgb, { before: [withWrongCrc(text)] }), sound.rgb],
      'a gamma with a wrong CRC': [around(rgb, { before: [withWrongCrc(gAMA)] }), sound.rgb],
      'two gammas and two densities': [around(rgb, { before: [gAMA, gAMA, pHYs, pHYs] }), sound.rgb],
      'an unknown chunk before the header': [
        fileOf(chunk('zzZz', 1), headerChunk(rgb), idat(streamOf(rgb)), IEND),
        sound.rgb,
      ],
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
    why: 'the same, but libpng requires known chunks to come after the header',
    libpng: 'refuses',
    sharp: 'refuses',
    files: {
      'a text before the header': [fileOf(text, headerChunk(rgb), idat(streamOf(rgb)), IEND), sound.rgb],
    },
  },
  {
    why: 'the third letter is reserved; libpng 1.6.39 and Pillow do not check it',
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
    why: 'the same, but libpng 1.6.39 checks it nevertheless',
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
    why: 'the same, but even the newest libpng refuses an empty one',
    libpng: 'refuses',
    sharp: 'refuses',
    files: { 'an empty PLTE in an RGB image': [around(rgb, { before: [chunk('PLTE')] }), sound.rgb] },
  },
  {
    why: 'colours that no index can reach are left out, and an index without a colour is black',
    libpng: 'opens',
    sharp: 'opens',
    files: {
      'more colours than the bit depth can express': [
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
      'more alphas than the bit depth can express': [
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
    why: 'the same, but sharp reads the file in two passes and fails',
    libpng: 'opens',
    sharp: 'refuses',
    files: { 'tRNS with a wrong CRC': [around(rgb, { before: [withWrongCrc(isClear31)] }), sound.rgb] },
  },
  {
    why: 'a transparent colour has only as many bits as the samples',
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
