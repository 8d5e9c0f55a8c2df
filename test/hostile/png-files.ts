// Malicious PNGs, each with the answer that split must give.
import { crc32, deflateSync } from 'node:zlib';
import {
  drawPng,
  headerChunk,
  pngChunk,
  pngSignature,
  type Drawing,
} from '../../functions/testing/drawn-png.ts';
import { filesOf, type HostileFile } from './hostile-file.ts';

const { taken, invalid, tooLarge } = filesOf('PNG');

const COLOR_TYPES: [colorType: number, bitDepths: number[]][] = [
  [0, [1, 2, 4, 8, 16]],
  [2, [8, 16]],
  [3, [1, 2, 4, 8]],
  [4, [8, 16]],
  [6, [8, 16]],
];
const ALL_BIT_DEPTHS = [0, 1, 2, 3, 4, 8, 16, 32];

const end = pngChunk('IEND', Buffer.alloc(0));

function drawing(more: Partial<Drawing> = {}): Drawing {
  const { colorType = 2, bitDepth = 8 } = more;
  const palette = colorType === 3 ? { palette: [255, 0, 0, 0, 0, 255] } : {};
  return {
    width: 33,
    height: 21,
    colorType,
    bitDepth,
    sample: (x, y, s) => (x + y + s) % 2,
    ...palette,
    ...more,
  };
}

const sound = drawPng(drawing());
/** A PNG whose image data is nearly all of the file. */
const noisy = drawPng(drawing({ sample: (x, y, s) => ((x * 7919 + y * 104_729 + s * 1299) * 31) & 255 }));

/** Returns a PNG of these chunks. */
const png = (...chunks: Buffer[]): Buffer => Buffer.concat([pngSignature, ...chunks]);

/** Returns a header with any values and the right CRC. */
function rawHeader(width: number, height: number, ...rest: number[]): Buffer {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width);
  data.writeUInt32BE(height, 4);
  data.set(rest, 8);
  return pngChunk('IHDR', data);
}

const imageData = (bytes: number): Buffer => pngChunk('IDAT', deflateSync(Buffer.alloc(bytes)));

/** Returns the sound PNG with one bit of chunk `type` changed, `at` bytes into its data. */
function withFlippedBit(type: string, at: number, source = sound): Buffer {
  const bytes = Buffer.from(source);
  bytes[bytes.indexOf(type) + 4 + at] ^= 1;
  return bytes;
}

/** Returns the same with the chunk's CRC corrected. */
function withFlippedBitAndCrc(type: string, at: number): Buffer {
  const bytes = withFlippedBit(type, at);
  const start = bytes.indexOf(type);
  const length = bytes.readUInt32BE(start - 4);
  bytes.writeUInt32BE(crc32(bytes.subarray(start, start + 4 + length)), start + 4 + length);
  return bytes;
}

function* kinds(): Generator<HostileFile> {
  for (const [colorType, bitDepths] of COLOR_TYPES) {
    for (const bitDepth of bitDepths) {
      for (const interlaced of [false, true]) {
        const name = `colour type ${colorType}, ${bitDepth} bits${interlaced ? ', interlaced' : ''}`;
        yield taken(name, drawPng(drawing({ colorType, bitDepth, interlaced, filter: (y) => y % 5 })));
      }
    }
    for (const bitDepth of ALL_BIT_DEPTHS.filter((each) => !bitDepths.includes(each))) {
      yield invalid(
        `colour type ${colorType} with ${bitDepth} bits`,
        png(rawHeader(8, 8, bitDepth, colorType, 0, 0, 0), imageData(1000), end),
      );
    }
  }
  for (const colorType of [1, 5, 7, 255]) {
    yield invalid(
      `colour type ${colorType}`,
      png(rawHeader(8, 8, 8, colorType, 0, 0, 0), imageData(1000), end),
    );
  }
}

function* sizes(): Generator<HostileFile> {
  for (const [width, height] of [
    [0, 1],
    [1, 0],
    [0, 0],
    [2 ** 31, 1],
    [0xffffffff, 0xffffffff],
  ]) {
    yield invalid(
      `${width}x${height} pixels`,
      png(rawHeader(width, height, 8, 2, 0, 0, 0), imageData(10), end),
    );
  }
  for (const [width, height] of [
    [2 ** 31 - 1, 1],
    [1, 25_599_744],
    [100_000, 1],
    [1, 70_000],
    [65_535, 65_535],
    [30_000, 30_000],
  ]) {
    yield tooLarge(
      `${width}x${height} pixels`,
      png(rawHeader(width, height, 1, 0, 0, 0, 0), imageData(10), end),
    );
  }
  yield tooLarge(
    '16-bit RGBA of 25.6 M pixels in a row',
    png(rawHeader(25_600_000, 1, 16, 6, 0, 0, 0), imageData(10), end),
  );
}

function* damaged(): Generator<HostileFile> {
  for (let part = 0; part < 16; part++) {
    const length = Math.floor((noisy.length * part) / 16);
    // Less than a signature is not a PNG; that is among the other formats.
    if (length >= pngSignature.length) yield invalid(`cut off after ${part}/16`, noisy.subarray(0, length));
  }
  for (const at of [0, 3, 7, 8, 9, 12])
    yield invalid(`a wrong bit in the header, ${at}`, withFlippedBit('IHDR', at));
  for (const at of [0, 2, 10, 30])
    yield invalid(`a wrong bit in the image data, ${at}`, withFlippedBit('IDAT', at));
  for (const at of [10, 30])
    yield invalid(`a wrong bit in the zlib stream, ${at}`, withFlippedBitAndCrc('IDAT', at));
  yield invalid('a palette with a wrong bit', withFlippedBit('PLTE', 1, drawPng(drawing({ colorType: 3 }))));
  for (const [what, ...method] of [
    ['compression', 1, 0, 0],
    ['filter', 0, 1, 0],
    ['interlace', 0, 0, 2],
  ] as const) {
    yield invalid(`another ${what} method`, png(rawHeader(8, 8, 8, 2, ...method), imageData(200), end));
  }
  yield invalid('no header', png(imageData(100), end));
  yield invalid('no image data', png(headerChunk(drawing()), end));
  yield invalid('no palette', png(rawHeader(8, 8, 8, 3, 0, 0, 0), imageData(72), end));
  yield invalid(
    'an unknown critical chunk',
    png(headerChunk(drawing()), pngChunk('ABCD', Buffer.alloc(4)), sound.subarray(33)),
  );
  yield invalid(
    'a filter that does not exist',
    drawPng(drawing({ alterRows: (rows) => (rows.fill(9, 0, 1), rows) })),
  );
  yield invalid(
    'fewer rows than its header says',
    drawPng(drawing({ alterRows: (rows) => rows.subarray(0, rows.length >> 1) })),
  );
  yield invalid(
    'image data that is not a zlib stream',
    drawPng(drawing({ alterStream: (stream) => Buffer.alloc(stream.length) })),
  );
  yield invalid(
    'a chunk that is longer than the file',
    png(headerChunk(drawing()), Buffer.from('7fffffff49444154', 'hex')),
  );
  yield invalid(
    'two gigabytes in one chunk',
    png(headerChunk(drawing()), Buffer.from('ffffffff49444154', 'hex'), Buffer.alloc(100)),
  );
}

function* odd(): Generator<HostileFile> {
  const before = (...chunks: Buffer[]): Buffer => drawPng(drawing({ chunksBefore: chunks }));
  const bomb = deflateSync(Buffer.alloc(60_000_000));
  yield taken('bytes after its end', Buffer.concat([sound, Buffer.alloc(1000)]));
  yield taken('image data in chunks of one byte', drawPng(drawing({ idatSizes: [1] })));
  yield taken('empty chunks of image data', drawPng(drawing({ idatSizes: [0, 5, 0] })));
  yield taken('image data that continues for 60 MB', drawPng(drawing({ alterStream: () => bomb })));
  yield taken(
    'a text that inflates to 60 MB',
    before(pngChunk('zTXt', Buffer.concat([Buffer.from('a\0\0'), bomb]))),
  );
  yield taken(
    'a colour profile that inflates to 60 MB',
    before(pngChunk('iCCP', Buffer.concat([Buffer.from('a\0\0'), bomb]))),
  );
  yield taken('an invalid colour profile', before(pngChunk('iCCP', Buffer.from('nothing'))));
  yield taken(
    'ten thousand chunks of text',
    before(...Array.from({ length: 10_000 }, () => pngChunk('tEXt', Buffer.from('a\0b')))),
  );
  yield taken('a density of zero', before(pngChunk('pHYs', Buffer.alloc(9))));
  yield taken(
    'EXIF notes that are noise',
    before(pngChunk('eXIf', Buffer.from('MM\0*\xff\xff\xff\xff', 'latin1'))),
  );
  for (const type of ['gAMA', 'cHRM', 'sRGB', 'pHYs', 'eXIf', 'bKGD', 'hIST', 'tIME', 'acTL']) {
    yield taken(`an empty ${type} chunk`, before(pngChunk(type, Buffer.alloc(0))));
  }
}

/** All of them. */
export function pngFiles(): HostileFile[] {
  return [...kinds(), ...sizes(), ...damaged(), ...odd()];
}
