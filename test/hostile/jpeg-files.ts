// Malicious JPEGs, each with the answer that split must give.
import sharp, { type JpegOptions, type Sharp } from 'sharp';
import { photo } from '../../functions/testing/photo.ts';
import { withScans } from '../../functions/testing/repeated-scans.ts';
import { filesOf, type HostileFile } from './hostile-file.ts';

const { taken, invalid, tooLarge, unsupported } = filesOf('JPEG');

const [width, height] = [67, 45];

async function drawn(options: JpegOptions = {}, alter = (image: Sharp) => image): Promise<Buffer> {
  const image = sharp(photo(width, height).data, { raw: { width, height, channels: 3 } });
  return alter(image).jpeg(options).toBuffer();
}

/** Returns where the first segment with this marker begins. */
function segmentAt(jpeg: Buffer, marker: number): number {
  for (let at = 2; at < jpeg.length; at += 2 + jpeg.readUInt16BE(at + 2))
    if (jpeg[at + 1] === marker) return at;
  throw new Error(`no segment ${marker.toString(16)}`);
}

const SOF = 0xc0;
const SOS = 0xda;
const EOI = Buffer.from([0xff, 0xd9]);

/** Returns one segment. */
function segment(marker: number, data: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([head, data]);
}

/** Returns the JPEG with these bytes before its first scan. */
function withBeforeScan(jpeg: Buffer, bytes: Buffer): Buffer {
  const at = segmentAt(jpeg, SOS);
  return Buffer.concat([jpeg.subarray(0, at), bytes, jpeg.subarray(at)]);
}

/** Returns the JPEG with one byte of its frame header changed. */
function withFrameByte(jpeg: Buffer, at: number, value: number): Buffer {
  const changed = Buffer.from(jpeg);
  changed[segmentAt(changed, SOF) + 4 + at] = value;
  return changed;
}

/** All of them. */
export async function jpegFiles(): Promise<HostileFile[]> {
  const sound = await drawn();
  const scan = segmentAt(sound, SOS);
  const dataAt = scan + 2 + sound.readUInt16BE(scan + 2);
  const files: HostileFile[] = [];
  for (const chromaSubsampling of ['4:2:0', '4:4:4']) {
    for (const progressive of [false, true]) {
      for (const optimiseCoding of [false, true]) {
        const options = { chromaSubsampling, progressive, optimiseCoding };
        files.push(taken(JSON.stringify(options), await drawn(options)));
      }
    }
  }
  for (const quality of [1, 50, 100]) files.push(taken(`quality ${quality}`, await drawn({ quality })));
  files.push(taken('grey', await drawn({}, (image) => image.greyscale())));
  for (let orientation = 1; orientation <= 8; orientation++) {
    files.push(
      taken(`orientation ${orientation}`, await drawn({}, (image) => image.withMetadata({ orientation }))),
    );
  }
  for (let part = 0; part < 8; part++) {
    const cut = dataAt + Math.floor(((sound.length - 2 - dataAt) * part) / 8);
    files.push(invalid(`cut off after ${part}/8 of its scan`, sound.subarray(0, cut)));
    files.push(
      invalid(
        `cut off after ${part}/8 of its scan, with an end put on`,
        Buffer.concat([sound.subarray(0, cut), EOI]),
      ),
    );
  }
  for (const at of [4, 20, scan, scan + 5])
    files.push(invalid(`cut off in its header, ${at}`, sound.subarray(0, at)));
  files.push(
    invalid('no scan', Buffer.concat([sound.subarray(0, scan), EOI])),
    invalid('a start alone', Buffer.from([0xff, 0xd8, 0xff])),
    invalid('a start and an end', Buffer.from([0xff, 0xd8, 0xff, 0xd9])),
    invalid('a width of zero', withFrameByte(withFrameByte(sound, 3, 0), 4, 0)),
    invalid('a height of zero', withFrameByte(withFrameByte(sound, 1, 0), 2, 0)),
    invalid('two components', withFrameByte(sound, 5, 2)),
    invalid('a segment of length 0', withBeforeScan(sound, Buffer.from([0xff, 0xe9, 0, 0]))),
    unsupported('12 bits', withFrameByte(sound, 0, 12)),
    tooLarge(
      '65535x65535 pixels',
      [1, 2, 3, 4].reduce((jpeg, at) => withFrameByte(jpeg, at, 255), sound),
    ),
    tooLarge('101 scans', withScans(await drawn({ progressive: true }), 101)),
    taken(
      'a long comment, and a marker without its segment in place of the end',
      Buffer.concat([
        withBeforeScan(sound, segment(0xfe, Buffer.alloc(65_533))).subarray(0, -2),
        Buffer.from([0xff, 0xe0]),
      ]),
    ),
    taken('fill bytes before a marker', withBeforeScan(sound, Buffer.alloc(100_000, 0xff))),
    taken('a comment of 64 KB', withBeforeScan(sound, segment(0xfe, Buffer.alloc(65_533)))),
    taken('bytes after its end', Buffer.concat([sound, Buffer.alloc(5000, 7)])),
    taken(
      'a thousand application segments',
      withBeforeScan(
        sound,
        Buffer.concat(Array.from({ length: 1000 }, () => segment(0xe9, Buffer.alloc(9)))),
      ),
    ),
    taken(
      'EXIF notes that are noise',
      withBeforeScan(sound, segment(0xe1, Buffer.from('Exif\0\0MM\0*\xff\xff\xff\xff', 'latin1'))),
    ),
    taken(
      'a colour profile of which a part is missing',
      withBeforeScan(sound, segment(0xe2, Buffer.from('ICC_PROFILE\0\x01\x02noise', 'latin1'))),
    ),
  );
  for (const [kind, marker] of [
    ['lossless', 0xc3],
    ['arithmetic', 0xc9],
  ] as const) {
    const changed = Buffer.from(sound);
    changed[segmentAt(sound, SOF) + 1] = marker;
    files.push(unsupported(kind, changed));
  }
  return files;
}
