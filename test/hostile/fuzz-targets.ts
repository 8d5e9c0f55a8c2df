// Every parser of input from strangers, with good inputs to start from.
import sharp from 'sharp';
import { rgbProfileOf } from '../../functions/lib/image/icc.ts';
import { describeOther } from '../../functions/lib/image/other-formats.ts';
import { readHeader } from '../../functions/lib/image/read.ts';
import { readExif } from '../../functions/lib/image/exif.ts';
import { countScans } from '../../functions/lib/image/jpeg/scans.ts';
import { decodeStored } from '../../functions/lib/image/jpeg/upright-bands.ts';
import { decodePng } from '../../functions/lib/image/png/decode.ts';
import { blurredImageId, imageBlurredMessage } from '../../functions/lib/events.ts';
import { parseJob } from '../../functions/lib/job.ts';
import { inputRequestOf, targetOf, uploadRequestOf } from '../../functions/split/requests.ts';
import { crc32 } from 'node:zlib';
import { drawPng, exifChunk, pngSignature } from '../../functions/testing/drawn-png.ts';
import { displayP3 } from '../../functions/testing/icc-profiles.ts';
import { jpegWithSegment } from '../../functions/testing/jpeg-segments.ts';
import { photo } from '../../functions/testing/photo.ts';
import type { Target } from './fuzz.ts';

const MAX_PIXELS = 100_000;
const imageId = '0123456789abcdef01234567';

/** Small PNGs and JPEGs of many kinds. */
async function images(): Promise<{ png: Buffer[]; jpeg: Buffer[] }> {
  const drawn = sharp(photo(24, 17).data, { raw: { width: 24, height: 17, channels: 3 } });
  const soft = sharp(photo(24, 17, { alpha: true }).data, { raw: { width: 24, height: 17, channels: 4 } });
  const png = await Promise.all([
    drawn.clone().png().toBuffer(),
    soft.clone().png({ adaptiveFiltering: true }).toBuffer(),
    drawn.clone().png({ palette: true }).withMetadata({ density: 144 }).toBuffer(),
    soft.clone().png({ progressive: true }).toBuffer(),
    drawn.clone().toColourspace('rgb16').png().withIccProfile('p3').toBuffer(),
  ]);
  const jpeg = await Promise.all([
    drawn.clone().jpeg().toBuffer(),
    drawn.clone().jpeg({ progressive: true }).withMetadata({ orientation: 6, density: 300 }).toBuffer(),
    drawn.clone().jpeg({ chromaSubsampling: '4:4:4', optimiseCoding: false }).withIccProfile('p3').toBuffer(),
    drawn.clone().greyscale().jpeg().toBuffer(),
  ]);
  return { png, jpeg };
}

/** One for every colour type, with the chunks that belong to it. */
function drawnPngs(): Buffer[] {
  const sample = (x: number, y: number, s: number): number => (x + y + s) % 2;
  const size = { width: 9, height: 7, sample };
  return [
    drawPng({ ...size, colorType: 0, bitDepth: 1, transparency: [0, 1] }),
    drawPng({ ...size, colorType: 2, bitDepth: 16, interlaced: true }),
    drawPng({ ...size, colorType: 3, bitDepth: 4, palette: [1, 2, 3, 4, 5, 6], transparency: [0] }),
    drawPng({ ...size, colorType: 4, bitDepth: 8, filter: (y) => y % 5 }),
    drawPng({ ...size, colorType: 6, bitDepth: 8, idatSizes: [1, 2, 3], chunksBefore: [exifChunk(5)] }),
  ];
}

/** Returns the same PNG with correct CRCs, as far as its chunks can be followed. */
function withRightCrcs(png: Buffer): Buffer {
  const repaired = Buffer.from(png);
  for (let at = pngSignature.length; at + 12 <= repaired.length;) {
    const end = at + 8 + repaired.readUInt32BE(at);
    if (end + 4 > repaired.length) break;
    repaired.writeUInt32BE(crc32(repaired.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return repaired;
}

async function decodeWholePng(bytes: Buffer): Promise<void> {
  readHeader(bytes, { maxPixels: MAX_PIXELS });
  for await (const _ of decodePng(bytes));
}

/** In this thread, where a crash is visible. */
async function decodeWholeJpeg(bytes: Buffer): Promise<void> {
  readHeader(bytes, { maxPixels: MAX_PIXELS });
  for (const _ of await decodeStored(bytes));
}

const texts = (...good: string[]): Buffer[] => good.map((text) => Buffer.from(text));

/** The targets, quick ones first. */
export async function fuzzTargets(): Promise<Target[]> {
  const { png, jpeg } = await images();
  const drawn = drawnPngs();
  const event = imageBlurredMessage(imageId);
  const structured = JSON.stringify({
    specversion: '1.0',
    id: '1',
    source: '/x',
    type: 'dev.tessera.image.blurred.v1',
    subject: imageId,
  });
  return [
    {
      name: 'header',
      good: [...png, ...drawn, ...jpeg],
      repair: withRightCrcs,
      read: (input) => readHeader(input, { maxPixels: MAX_PIXELS }),
    },
    {
      name: 'scans',
      good: [...jpeg, ...jpeg.map((each) => jpegWithSegment(each, 0xfe, Buffer.alloc(65_000)))],
      read: countScans,
    },
    {
      name: 'exif',
      good: texts(
        'II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0',
        'MM\0*\0\0\0\x08\0\x01\x01\x12\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\0',
      ),
      read: readExif,
    },
    { name: 'colour profile', good: [await displayP3()], read: rgbProfileOf },
    {
      name: 'other formats',
      good: texts(
        'GIF89a',
        '\0\0\0\x24ftypheic\0\0\0\0mif1heic',
        '<?xml?><!-- x --><svg ',
        '--x\r\nContent-',
      ),
      read: describeOther,
    },
    {
      name: 'request body',
      good: texts(
        '{"input":"holidays/été.png","kernel":21}',
        '{}',
        '{"input":"a/b/c","after":"x"}',
        '{"filter":"sharpen","amount":1.5}',
      ),
      read: (input) => inputRequestOf(input, {}),
    },
    {
      name: 'request target',
      good: texts(
        '/?name=photo.png&kernel=21',
        '/?filter=sharpen&kernel=9&amount=1.5',
        '/images/0123456789abcdef01234567/result',
        '/?name=%E7%85%A7%E7%89%87.png',
      ),
      read: (input) => {
        const { query } = targetOf(input.toString('latin1'));
        return uploadRequestOf(query, {});
      },
    },
    {
      name: 'event, binary',
      good: texts(...Object.values(event.headers), event.body),
      read: (input) => {
        const text = input.toString('latin1');
        const names = Object.keys(event.headers);
        return blurredImageId({ ...event.headers, [names[text.length % names.length]]: text }, text);
      },
    },
    {
      name: 'event, structured',
      good: texts(structured),
      read: (input) => blurredImageId({ 'content-type': 'application/cloudevents+json' }, input.toString()),
    },
    {
      name: 'job',
      good: texts(`${imageId}:0`, `${imageId}:99999`),
      read: (input) => parseJob(input.toString()),
    },
    { name: 'png', good: [...png, ...drawn], read: decodeWholePng, repair: withRightCrcs },
    { name: 'jpeg', good: jpeg, read: decodeWholeJpeg },
  ];
}
