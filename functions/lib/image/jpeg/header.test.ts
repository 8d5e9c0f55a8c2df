import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { isJpeg, readJpegHeader } from './header.ts';

const [width, height] = [37, 21];
const picture = Buffer.from(Array.from({ length: width * height * 3 }, (_, i) => (i * i) % 253));
const source = () => sharp(picture, { raw: { width, height, channels: 3 } });

/** One segment: marker, length, content. */
function segment(marker: number, content: number[] | Buffer): Buffer {
  return Buffer.from([0xff, marker, (content.length + 2) >> 8, (content.length + 2) & 255, ...content]);
}

const start = Buffer.from([0xff, 0xd8]);
const scan = Buffer.concat([segment(0xda, [1, 1, 0, 0, 63, 0]), Buffer.from([1, 2, 3, 0xff, 0xd9])]);
const frame = (marker = 0xc0, content = [8, 0, height, 0, width, 1, 1, 0x11, 0]): Buffer =>
  segment(marker, content);
const upright = { width, height, orientation: 1, components: 1 };

/** Returns the header of a file with these segments before its frame. */
function headerWith(...segments: Buffer[]): ReturnType<typeof readJpegHeader> {
  return readJpegHeader(Buffer.concat([start, ...segments, frame(), scan]));
}

describe('readJpegHeader', () => {
  let jpeg: Buffer;
  beforeAll(async () => {
    jpeg = await source().jpeg().toBuffer();
  });

  test.each([
    ['baseline', {}],
    ['progressive', { progressive: true }],
    ['full chroma', { chromaSubsampling: '4:4:4' }],
    ['optimised', { mozjpeg: true }],
  ])('reads a %s file', async (_, options) => {
    const header = readJpegHeader(await source().jpeg(options).toBuffer());
    expect(header).toEqual({ width, height, orientation: 1, components: 3 });
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'returns the size after turning by orientation %i',
    async (orientation) => {
      const turned = await source().withMetadata({ orientation }).jpeg().toBuffer();
      const size = orientation < 5 ? { width, height } : { width: height, height: width };
      expect(readJpegHeader(turned)).toMatchObject({ ...size, orientation });
    },
  );

  test('skips fill bytes, stray bytes, lone markers and unknown notes', () => {
    const fill = Buffer.from([0xff, 0xff, 0xff]);
    const stray = Buffer.from([1, 2, 0xff, 0, 3, 0xff, 0xd0, 4]);
    expect(headerWith(fill, segment(0xe0, [1, 2]), stray, fill, segment(0xe5, []))).toEqual(upright);
  });

  test('reads no further than the first scan', () => {
    const file = Buffer.concat([start, frame(), scan.subarray(0, 2)]);
    expect(readJpegHeader(file)).toEqual(upright);
  });

  test('refuses a header that is cut off anywhere, even with a thumbnail in it', async () => {
    const thumbnail = segment(0xe1, await source().resize(8).jpeg().toBuffer());
    const file = Buffer.concat([jpeg.subarray(0, 2), thumbnail, jpeg.subarray(2)]);
    const end = file.lastIndexOf('ffda', undefined, 'hex') + 2;
    expect(readJpegHeader(file.subarray(0, end))).toMatchObject({ width, height });
    for (let length = 2; length < end; length++) {
      expect(() => readJpegHeader(file.subarray(0, length))).toThrow(/cut off/);
    }
  });

  test.each([
    ['no frame', [scan], 'invalid-image', /scan before its frame/],
    ['an immediate end', [Buffer.from([0xff, 0xd9])], 'invalid-image', /no picture/],
    ['a second start', [start, frame(), scan], 'invalid-image', /no picture/],
    ['two frames', [frame(), frame(), scan], 'invalid-image', /two frames/],
    ['no height', [frame(0xc0, [8, 0, 0, 0, 5, 1, 1, 0x11, 0]), scan], 'invalid-image', /5x0/],
    ['no width', [frame(0xc0, [8, 0, 5, 0, 0, 1, 1, 0x11, 0]), scan], 'invalid-image', /0x5/],
    ['a short frame', [frame(0xc0, [8, 0, 5]), scan], 'invalid-image', /too short/],
    ['two components', [frame(0xc0, [8, 0, 5, 0, 5, 2]), scan], 'invalid-image', /2 colour components/],
    [
      'a segment of length 1',
      [Buffer.from([0xff, 0xe0, 0, 1]), frame(), scan],
      'invalid-image',
      /impossible/,
    ],
    ['CMYK', [frame(0xc0, [8, 0, 5, 0, 5, 4]), scan], 'unsupported-image', /CMYK.*magick/],
    ['12 bits', [frame(0xc1, [12, 0, 5, 0, 5, 3]), scan], 'unsupported-image', /12 bits/],
    ['lossless', [frame(0xc3), scan], 'unsupported-image', /frame type 3/],
    ['arithmetic coding', [frame(0xc9), scan], 'unsupported-image', /Arithmetic/],
  ])('refuses %s', (_, parts, code, message) => {
    const file = Buffer.concat([start, ...parts]);
    expect(() => readJpegHeader(file)).toThrow(expect.objectContaining({ code }));
    expect(() => readJpegHeader(file)).toThrow(message);
  });

  test.each([
    ['fill bytes', Buffer.alloc(2_000_000, 0xff), /stray bytes/],
    ['stuffed zeros', Buffer.alloc(2_000_000, Buffer.from([0xff, 0])), /stray bytes/],
    ['zeros', Buffer.alloc(2_000_000), /stray bytes/],
    [
      'stray bytes in many places',
      Buffer.alloc(3_000_000, Buffer.concat([Buffer.alloc(900), segment(0xe5, [])])),
      /stray/,
    ],
    ['segments', Buffer.alloc(100_000, segment(0xe5, [])), /segments/],
  ])('refuses %s without end', (_, bytes, message) => {
    expect(() => headerWith(bytes)).toThrow(message);
  });
});

describe('the notes of a JPEG', () => {
  const jfif = (unit: number, x: number, y: number): Buffer =>
    segment(
      0xe0,
      Buffer.from(
        `JFIF\0\x01\x02${String.fromCharCode(unit, x >> 8, x & 255, y >> 8, y & 255)}\0\0`,
        'latin1',
      ),
    );
  /** Returns one part of a colour profile, with its number and the number of parts. */
  const profilePart = (number: number, count: number, content: string): Buffer =>
    segment(0xe2, Buffer.from(`ICC_PROFILE\0${String.fromCharCode(number, count)}${content}`, 'latin1'));
  const profileOf = (...parts: Buffer[]): string | undefined => {
    const { iccProfile } = headerWith(...parts);
    return iccProfile && Buffer.from(iccProfile).toString('latin1');
  };

  test('contain the same colour profile that sharp reads', async () => {
    const file = await source().withIccProfile('p3').jpeg().toBuffer();
    const { icc } = await sharp(file).metadata();
    expect(readJpegHeader(file).iccProfile).toEqual(icc);
  });

  test('contain a profile in several parts, in any order', () => {
    const [one, two, three] = [profilePart(1, 3, 'ab'), profilePart(2, 3, 'c'), profilePart(3, 3, 'de')];
    expect(profileOf(one, two, three)).toBe('abcde');
    expect(profileOf(three, segment(0xe1, [1]), one, two)).toBe('abcde');
    expect(profileOf(profilePart(1, 1, 'whole'))).toBe('whole');
  });

  test('contain a profile once if it is there twice', () => {
    const parts = [profilePart(1, 2, 'ab'), profilePart(2, 2, 'c')];
    expect(profileOf(...parts, ...parts)).toBe('abc');
    expect(profileOf(parts[1], parts[0], parts[1])).toBe('abc');
  });

  test.each([
    ['a part is missing', [profilePart(1, 3, 'a'), profilePart(3, 3, 'c')]],
    ['a part comes twice and the other is missing', [profilePart(1, 2, 'a'), profilePart(1, 2, 'a')]],
    ['a part comes twice with other bytes', [profilePart(1, 1, 'a'), profilePart(1, 1, 'b')]],
    ['there is one part too many', [profilePart(1, 1, 'a'), profilePart(2, 1, 'b')]],
    ['the counts differ', [profilePart(1, 2, 'a'), profilePart(2, 3, 'b')]],
    ['the numbers begin with 0', [profilePart(0, 2, 'a'), profilePart(1, 2, 'b')]],
    ['the part has no number', [segment(0xe2, Buffer.from('ICC_PROFILE\0'))]],
  ])('contain no profile if %s', (_, parts) => {
    expect(profileOf(...parts)).toBeUndefined();
  });

  test.each([
    ['inches', jfif(1, 300, 72), { x: 11811, y: 2835, unit: 'metre' }],
    ['centimetres', jfif(2, 100, 50), { x: 10000, y: 5000, unit: 'metre' }],
    ['no unit', jfif(0, 4, 3), { x: 4, y: 3, unit: 'aspect' }],
    ['no unit and square pixels', jfif(0, 1, 1), undefined],
    ['an unknown unit', jfif(3, 100, 100), undefined],
    ['zeros', jfif(1, 0, 0), undefined],
  ])('contain the density in %s', (_, notes, density) => {
    expect(headerWith(notes).density).toEqual(density);
  });

  test('contain the density of EXIF if JFIF has none, turned with the picture', async () => {
    const file = await source().withMetadata({ density: 254, orientation: 6 }).jpeg().toBuffer();
    expect(readJpegHeader(file).density).toEqual({ x: 10000, y: 10000, unit: 'metre' });
    const exif = file.subarray(file.indexOf('Exif', 0, 'latin1') - 4);
    const exifSegment = exif.subarray(0, 2 + exif.readUInt16BE(2));
    expect(headerWith(jfif(0, 1, 1), exifSegment).density).toEqual({ x: 10000, y: 10000, unit: 'metre' });
    expect(headerWith(exifSegment, jfif(2, 100, 50)).density).toEqual({ x: 5000, y: 10000, unit: 'metre' });
  });
});

describe('isJpeg', () => {
  test('checks the first bytes', () => {
    expect(isJpeg(Buffer.from([0xff, 0xd8, 0xff, 0xe0]))).toBe(true);
    expect(isJpeg(Buffer.from([0xff, 0xd8]))).toBe(false);
    expect(isJpeg(Buffer.from('GIF89a'))).toBe(false);
  });
});
