// PNGs with odd image data or an odd end that are decoded nevertheless, because every pixel is there. The
// rule is libpng's verdict, except for files that it refuses although nothing of the picture is lost.
import { drawPng } from '../drawn-png.ts';
import {
  around,
  chunk,
  colors,
  endlessRows,
  idat,
  IEND,
  indexed,
  interlaced,
  rgb,
  sound,
  streamOf,
  text,
  type ToleratedPngs,
  wide,
  withStream,
  withWrongCrc,
  zlibHeader,
} from './parts.ts';

const isClear31 = chunk('tRNS', 0, 31, 0, 31, 0, 31);
const PLTE = chunk('PLTE', ...colors);
const oneMoreRow = (rows: Buffer): Buffer => Buffer.concat([rows, rows.subarray(0, 34)]);

export const toleratedData: ToleratedPngs[] = [
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
    why: 'the zlib stream stops after the last row, without its end or its checksum: every pixel is there',
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
    why: 'data after the last row is not checked',
    libpng: 'opens',
    sharp: 'opens',
    files: {
      'bytes after IEND': [Buffer.concat([sound.rgb, text]), sound.rgb],
      'an IEND with data': [Buffer.concat([sound.rgb.subarray(0, -12), chunk('IEND', 1)]), sound.rgb],
      'PLTE after the image data': [around(rgb, { behind: [PLTE] }), sound.rgb],
      'tRNS after the image data': [around(rgb, { behind: [isClear31] }), sound.rgb],
      'tRNS after the image data of a palette image': [
        around(indexed, { before: [PLTE], behind: [chunk('tRNS', 0)] }),
        sound.indexed,
      ],
    },
  },
  {
    why: 'libpng notices it only after the last row, when sharp, Pillow and browsers have the picture',
    libpng: 'refuses',
    sharp: 'opens',
    files: {
      'an IDAT with a wrong CRC after the zlib stream': [
        around(rgb, { behind: [withWrongCrc(idat(text))] }),
        sound.rgb,
      ],
      'no IEND': [sound.rgb.subarray(0, -12), sound.rgb],
      'no IEND, interlaced': [sound.interlaced.subarray(0, -12), sound.rgb],
      'a cut IEND': [sound.rgb.subarray(0, -5), sound.rgb],
      'an IEND with a wrong CRC': [
        Buffer.concat([sound.rgb.subarray(0, -12), withWrongCrc(IEND)]),
        sound.rgb,
      ],
      'an unknown critical chunk after the image data': [
        around(rgb, { behind: [chunk('ABCD', 1)] }),
        sound.rgb,
      ],
      'a chunk of 4 GB after the image data': [
        Buffer.concat([sound.rgb.subarray(0, -12), Buffer.from('ffffffff74455874', 'hex')]),
        sound.rgb,
      ],
    },
  },
];
