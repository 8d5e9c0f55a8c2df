import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  blocksOf,
  drawJpeg,
  type JpegDrawing,
  jpegSegment,
  type JpegTables,
  tablesOf,
} from '../../../testing/drawn-jpeg.ts';
import { withScans } from '../../../testing/repeated-scans.ts';
import { photo } from '../../../testing/photo.ts';
import { decodeJpeg } from './decode.ts';
import { readJpegHeader } from './header.ts';
import { decodeStored } from './upright-bands.ts';

const [width, height] = [311, 203];
const picture = photo(width, height);
const source = () => sharp(picture.data, { raw: { width, height, channels: 3 } });
const limits = { timeoutMs: 60_000, memoryBytes: 64 * 1024 * 1024, scanPixels: 1e9 };

async function decode(file: Uint8Array, given = limits): Promise<{ data: Buffer; width: number }> {
  const bands = await Array.fromAsync(decodeJpeg(file, readJpegHeader(file), given));
  const widths = new Set(bands.map((band) => band.width));
  expect(widths.size).toBe(1);
  return { data: Buffer.concat(bands.map((band) => band.data)), width: bands[0].width };
}

/** Returns what sharp decodes, as RGB. */
async function toRgb(file: Uint8Array): Promise<Buffer> {
  return sharp(file).toColourspace('srgb').raw().toBuffer();
}

let baseline: Buffer;
let progressive: Buffer;
let tables: JpegTables;
beforeAll(async () => {
  baseline = await source().jpeg({ optimiseCoding: false }).toBuffer();
  progressive = await source().jpeg({ progressive: true }).toBuffer();
  tables = tablesOf(baseline);
});

const colour: [number, number][] = [
  [2, 2],
  [1, 1],
  [1, 1],
];

function draw(drawing: Partial<JpegDrawing> = {}): Buffer {
  const { sampling = colour } = drawing;
  return drawJpeg(
    { width, height, sampling, block: blocksOf(picture, sampling, tables), ...drawing },
    tables,
  );
}

/** Returns the file with other bytes instead of the first `find`. */
function replace(file: Buffer, find: string, ...put: (Buffer | string)[]): Buffer {
  const at = file.indexOf(find, 0, 'hex');
  expect(at).toBeGreaterThan(0);
  const bytes = put.map((each) => Buffer.from(each as string, 'hex'));
  return Buffer.concat([file.subarray(0, at), ...bytes, file.subarray(at + find.length / 2)]);
}

/** Returns the file with other bytes instead of the last `find`. */
function replaceLast(file: Buffer, find: string, ...put: (Buffer | string)[]): Buffer {
  const at = file.lastIndexOf(find, undefined, 'hex');
  const bytes = put.map((each) => Buffer.from(each as string, 'hex'));
  return Buffer.concat([file.subarray(0, at), ...bytes, file.subarray(at + find.length / 2)]);
}

const adobe = (transform: number): Buffer =>
  jpegSegment(0xee, Buffer.from(`Adobe\0\x64\0\0\0\0${String.fromCharCode(transform)}`, 'latin1'));

describe('decodeJpeg returns the same pixels as libjpeg', { timeout: 60_000 }, () => {
  test.each([
    ['baseline', {}],
    ['progressive', { progressive: true }],
    ['full chroma', { chromaSubsampling: '4:4:4' }],
    ['mozjpeg', { mozjpeg: true }],
    ['low quality', { quality: 10 }],
    ['best quality', { quality: 100 }],
  ])('%s', async (_, options) => {
    const file = await source().jpeg(options).toBuffer();
    const { data, width: decodedWidth } = await decode(file);
    expect(decodedWidth).toBe(width);
    expect(data.equals(await toRgb(file))).toBe(true);
  });

  test('grey', async () => {
    for (const options of [{}, { progressive: true }]) {
      const file = await source().toColourspace('b-w').jpeg(options).toBuffer();
      expect((await sharp(file).metadata()).channels).toBe(1);
      expect((await decode(file)).data.equals(await toRgb(file))).toBe(true);
    }
  });

  const samplings: Record<string, [number, number][]> = {
    '4:4:4': [
      [1, 1],
      [1, 1],
      [1, 1],
    ],
    '4:2:2': [
      [2, 1],
      [1, 1],
      [1, 1],
    ],
    '4:2:0': colour,
    '4:4:0': [
      [1, 2],
      [1, 1],
      [1, 1],
    ],
    '4:1:1': [
      [4, 1],
      [1, 1],
      [1, 1],
    ],
    '4:1:0': [
      [4, 2],
      [1, 1],
      [1, 1],
    ],
    'crossed samplings': [
      [2, 1],
      [1, 2],
      [1, 1],
    ],
    'grey with a sampling': [[2, 2]],
  };
  test.each(Object.entries(samplings))(
    '%s, in one scan or several, with restarts or none',
    async (_, sampling) => {
      for (const isInterleaved of [true, false]) {
        for (const restartInterval of [0, 1, 13]) {
          const file = draw({ sampling, isInterleaved, restartInterval });
          expect((await decode(file)).data.equals(await toRgb(file))).toBe(true);
        }
      }
    },
  );

  test.each([
    ['RGB by its Adobe note', { sampling: samplings['4:4:4'], notes: [adobe(0)] }],
    ['RGB by its component names', { sampling: samplings['4:4:4'], ids: [82, 71, 66] }],
    ['extended sequential', { frameMarker: 0xc1 }],
    ['of one pixel', { width: 1, height: 1 }],
    ['one pixel wide', { width: 1, height: 100 }],
    ['a row', { width: 1000, height: 1 }],
  ])('%s', async (_, drawing) => {
    const file = draw(drawing);
    expect((await decode(file)).data.equals(await toRgb(file))).toBe(true);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('upright from orientation %i', async (orientation) => {
    const file = await source().withMetadata({ orientation }).jpeg().toBuffer();
    const upright = await sharp(file).autoOrient().raw().toBuffer({ resolveWithObject: true });
    const { data, width: decodedWidth } = await decode(file);
    expect(decodedWidth).toBe(upright.info.width);
    expect(data.equals(upright.data)).toBe(true);
  });

  test('from bytes inside a larger buffer, without changing it', async () => {
    const around = Buffer.concat([Buffer.alloc(13, 1), baseline, Buffer.alloc(5, 1)]);
    const { data } = await decode(around.subarray(13, 13 + baseline.length));
    expect(data.equals(await toRgb(baseline))).toBe(true);
    expect(around.subarray(13, 13 + baseline.length).equals(baseline)).toBe(true);
  });

  test('without a thread, as stored', async () => {
    const file = await source().withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const bands = [...(await decodeStored(file))];
    expect(Buffer.concat(bands.map((band) => band.data)).equals(await toRgb(file))).toBe(true);
  });
});

describe('decodeJpeg accepts', { timeout: 60_000 }, () => {
  const jfif = (version: number): Buffer =>
    jpegSegment(0xe0, Buffer.from(`JFIF\0${String.fromCharCode(version)}\x01\0\0\x01\0\x01\0\0`, 'latin1'));
  test.each<[string, (file: Buffer) => Buffer]>([
    ['a future JFIF version', (file) => replace(file, 'ffdb', jfif(2), 'ffdb')],
    ['a future colour transform', (file) => replace(file, 'ffdb', adobe(5), 'ffdb')],
    ['sequential scans with odd parameters', (file) => replace(file, '003f00', '000000')],
    ['stray bytes before a table', (file) => replace(file, 'ffdb', '010203', 'ffdb')],
    [
      'a lot of stray bytes between segments',
      (file) => replace(file, 'ffc4', Buffer.alloc(5000, 'stray'), 'ffc4'),
    ],
    ['stray bytes before the end', (file) => replaceLast(file, 'ffd9', '010203', 'ffd9')],
    ['padding before the end', (file) => replaceLast(file, 'ffd9', Buffer.alloc(5000), 'ffd9')],
    [
      'fill bytes before markers',
      (file) => replace(replaceLast(file, 'ffd9', 'ffffffffffd9'), 'ffdb', 'ffffffdb'),
    ],
    ['bytes after the end', (file) => Buffer.concat([file, Buffer.from('trailing')])],
    ['a second picture after the end', (file) => Buffer.concat([file, file.subarray(0, 3000)])],
    ['no end marker', (file) => file.subarray(0, -2)],
    ['half an end marker', (file) => file.subarray(0, -1)],
    [
      'notes that look like markers',
      (file) =>
        replace(
          file,
          'ffdb',
          jpegSegment(0xe1, Buffer.from(`Exif\0\0\xff\xd8\xff\xda\xff\xd9${'\xff'.repeat(99)}`, 'latin1')),
          'ffdb',
        ),
    ],
  ])('%s', async (_, change) => {
    for (const file of [baseline, draw({ restartInterval: 20 })]) {
      const odd = change(file);
      expect(odd.equals(file)).toBe(false);
      const { data } = await decode(odd);
      expect(data.equals((await decode(file)).data)).toBe(true);
    }
  });

  test('no end marker if several scans contain the whole picture', async () => {
    for (const file of [progressive, draw({ isInterleaved: false })]) {
      const { data } = await decode(file.subarray(0, -2));
      expect(data.equals((await decode(file)).data)).toBe(true);
    }
  });

  test('bytes before restart markers, as some cameras write them', async () => {
    const file = draw({ restartInterval: 20 });
    const padded = replace(replace(file, 'ffd0', '0000ffd0'), 'ffd1', '0000ffd1');
    expect((await decode(padded)).data.equals((await decode(file)).data)).toBe(true);
  });

  test('a long run of zeros where the picture is blank', async () => {
    const blank = sharp({ create: { width: 3000, height: 2000, channels: 3, background: '#808080' } });
    for (const options of [{ optimiseCoding: true }, { progressive: true }]) {
      const file = await blank.clone().jpeg(options).toBuffer();
      expect((await decode(file)).data.equals(await toRgb(file))).toBe(true);
    }
  });
});

describe('decodeJpeg refuses', { timeout: 60_000 }, () => {
  /** Returns the file without the bytes from the nth marker of this kind to the next marker that is no restart. */
  function without(file: Buffer, marker: string, nth = 1): Buffer {
    let at = -1;
    for (let i = 0; i < nth; i++) at = file.indexOf(marker, at + 1, 'hex');
    expect(at).toBeGreaterThan(0);
    const isMarker = (i: number): boolean =>
      file[i] === 0xff && file[i + 1] > 0 && (file[i + 1] & 0xf8) !== 0xd0;
    let end = at + 2;
    while (!isMarker(end)) end++;
    return Buffer.concat([file.subarray(0, at), file.subarray(end)]);
  }
  /** Returns the file without the bytes from the first marker of one kind to the first of another. */
  function cut(file: Buffer, from: string, to: string): Buffer {
    const [at, end] = [file.indexOf(from, 0, 'hex'), file.indexOf(to, 0, 'hex')];
    return Buffer.concat([file.subarray(0, at), file.subarray(end)]);
  }
  const half = (file: Buffer): Buffer =>
    Buffer.concat([file.subarray(0, file.length / 2), file.subarray(-2)]);
  const withHole = (file: Buffer): Buffer =>
    Buffer.from(file).fill(0, file.length / 2, file.length / 2 + 512);
  /** Returns the file with the bytes at the first places of two markers exchanged. */
  function swapped(file: Buffer, one: string, other: string): Buffer {
    const bytes = Buffer.from(file);
    bytes.write(other, file.indexOf(one, 0, 'hex'), 'hex');
    bytes.write(one, file.indexOf(other, 0, 'hex'), 'hex');
    return bytes;
  }
  const stray = (file: Buffer): Buffer => replace(file, 'ffdb', '010203', 'ffdb');

  test.each<[string, () => Buffer, string | RegExp]>([
    ['a picture that ends early, with an end marker', () => half(baseline), 'premature end'],
    [
      'the same after stray bytes, which libjpeg warns about first',
      () => half(stray(baseline)),
      'premature end',
    ],
    ['a file that is cut off', () => baseline.subarray(0, baseline.length / 2), 'premature end'],
    ['a file that is cut off in its last bytes', () => baseline.subarray(0, -3), 'premature end'],
    ['a progressive picture that ends early', () => half(progressive), 'premature end'],
    [
      'a progressive file that lacks its last scans',
      () => progressive.subarray(0, progressive.lastIndexOf('ffc4', undefined, 'hex')),
      'picture is incomplete',
    ],
    [
      'a progressive file that lost the header of a scan',
      () => replaceLast(progressive, 'ffda', '0000'),
      /picture is incomplete|unexpected bytes/,
    ],
    [
      'a file that lacks the scan of a colour',
      () => without(draw({ isInterleaved: false }), 'ffda', 3),
      'picture is incomplete',
    ],
    ['a lost restart interval', () => cut(draw({ restartInterval: 7 }), 'ffd3', 'ffd4'), 'RST3'],
    [
      'restart intervals in another order',
      () => swapped(draw({ restartInterval: 7 }), 'ffd3', 'ffd5'),
      'RST3',
    ],
    [
      'a restart marker that was overwritten',
      () => replace(draw({ restartInterval: 7 }), 'ffd3', '1234'),
      /restart marker|RST3|premature/,
    ],
    ['a hole in a baseline picture', () => withHole(baseline), ''],
    ['a hole in a progressive picture', () => withHole(progressive), ''],
    [
      'more data than the picture has',
      () => replaceLast(baseline, 'ffd9', baseline.subarray(-100, -2), 'ffd9'),
      'unexpected bytes follow',
    ],
    [
      'a picture without quantisation tables',
      () => without(without(baseline, 'ffdb'), 'ffdb'),
      'Quantization table 0x0 was not defined',
    ],
    ['an unknown marker', () => replace(baseline, 'ffdb', 'fff00002', 'ffdb'), 'Unsupported marker'],
    [
      'one scan too many',
      () => replaceLast(baseline, 'ffd9', baseline.subarray(baseline.indexOf('ffda', 0, 'hex'))),
      '',
    ],
  ])('%s', async (_, file, message) => {
    const refused = expect.objectContaining({
      code: 'invalid-image',
      message: expect.stringMatching(message),
    });
    await expect(decode(file())).rejects.toThrow(refused);
  });

  test('a hole that the decoder could read without noticing', async () => {
    // Here zeros are a code for a coefficient of -1, so without the check for holes the count of blocks may
    // be right by chance.
    const file = draw({ restartInterval: 1 });
    const at = file.indexOf('ffd0', 0, 'hex');
    const zeros = Buffer.concat([file.subarray(0, at), Buffer.alloc(600), file.subarray(at)]);
    await expect(decode(zeros)).rejects.toMatchObject({ code: 'invalid-image' });
  });

  test.each([
    ['more than 100 scans', limits, 100],
    ['more scans than a picture of its size may have', { ...limits, scanPixels: 20 * width * height }, 20],
  ])('%s', async (_, given, most) => {
    // The last scan can only be repeated unchanged if it changes nothing.
    const grey = sharp({ create: { width, height, channels: 3, background: '#888' } });
    const flat = await grey.jpeg({ progressive: true }).toBuffer();
    expect((await decode(withScans(flat, most), given)).width).toBe(width);
    await expect(decode(withScans(flat, most + 1), given)).rejects.toMatchObject({
      code: 'image-too-large',
      message: expect.stringContaining(`${most + 1} scans; one of this size may have ${most}`),
    });
  });

  test('a bad picture, and decodes the next', async () => {
    await expect(decode(half(baseline))).rejects.toMatchObject({ code: 'invalid-image' });
    expect((await decode(baseline)).data.equals(await toRgb(baseline))).toBe(true);
  });
});
