import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { drawJpeg, jpegSegment, tablesOf, type JpegDrawing } from '../../../testing/drawn-jpeg.ts';
import { jpegWithSegment } from '../../../testing/jpeg-segments.ts';
import { photo } from '../../../testing/photo.ts';
import { withScans } from '../../../testing/repeated-scans.ts';
import { countScans } from './scans.ts';

const raw = { width: 120, height: 90, channels: 3 as const };
const source = () => sharp(photo(raw.width, raw.height).data, { raw });

let baseline: Buffer;
let progressive: Buffer;
beforeAll(async () => {
  baseline = await source().jpeg({ optimiseCoding: false }).toBuffer();
  progressive = await source().jpeg({ progressive: true }).toBuffer();
});

function draw(drawing: Partial<JpegDrawing>): Buffer {
  const sampling: [number, number][] = Array.from({ length: 3 }, () => [1, 1]);
  const block = (_: number, x: number, y: number) => [(x * 7 + y * 3) % 60, ...Array<number>(63).fill(0)];
  return drawJpeg({ ...raw, sampling, block, ...drawing }, tablesOf(baseline));
}

/** A long picture without its end, and these bytes. */
function endingIn(...bytes: number[]): Buffer {
  const long = jpegWithSegment(progressive, 0xfe, Buffer.alloc(65_000));
  return Buffer.concat([long.subarray(0, -2), Buffer.from(bytes)]);
}

test.each<[string, () => Buffer, number]>([
  ['a baseline picture', () => baseline, 1],
  ['a progressive one', () => progressive, 10],
  ['a progressive one with scans that repeat', () => withScans(progressive, 117), 117],
  ['a scan for each colour', () => draw({ isInterleaved: false }), 3],
  ['restart markers', () => draw({ isInterleaved: false, restartInterval: 2 }), 3],
  ['a thumbnail in a segment', () => jpegWithSegment(progressive, 0xe1, baseline), 10],
  ['fill bytes between its scans', () => draw({ isInterleaved: false, between: Buffer.alloc(9, 0xff) }), 3],
  ['a comment between them', () => draw({ isInterleaved: false, between: jpegSegment(0xfe, baseline) }), 3],
  ['another picture after its end', () => Buffer.concat([baseline, progressive]), 1],
  ['no end', () => progressive.subarray(0, -2), 10],
  ['an end in the middle of a segment', () => baseline.subarray(0, 30), 0],
  ['an end right behind a marker', () => endingIn(0xff, 0xe0), 10],
  ['an end in a length', () => endingIn(0xff, 0xe0, 1), 10],
  ['an end in the length of a scan', () => endingIn(0xff, 0xda, 0), 11],
  ['an end behind 0xff', () => endingIn(0xff), 10],
  ['a segment without its length', () => Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff, 0xda]), 1],
])('counts the scans of a file with %s', (_, file, scans) => {
  expect(countScans(file())).toBe(scans);
});
