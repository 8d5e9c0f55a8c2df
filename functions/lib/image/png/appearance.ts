// The chunks of a PNG that say how to show its pixels: reads them from an input image, and makes them for its
// result.
import { constants, deflate, inflateSync } from 'node:zlib';
import { promisify } from 'node:util';
import type { Appearance } from '../appearance.ts';
import { aspectDensity, type Density, metreDensity } from '../density.ts';
import { maxProfileBytes, rgbProfileOf } from '../icc.ts';
import { chunkTypes, frameChunk } from './chunks.ts';
import type { PngHeader } from './header.ts';
import { isGrey } from './layout.ts';
import { viewOf } from './words.ts';

const { cHRM, cICP, cLLI, gAMA, iCCP, mDCV, pHYs, sRGB } = chunkTypes;
const metre = 1;
const compress = promisify(deflate);

/**
 * Returns what the chunks before the image data say about the picture as stored. Damaged and unsuitable
 * chunks are left out.
 */
export function appearanceOfPng(header: PngHeader): Appearance {
  const iccProfile = readProfile(header);
  const density = readDensity(header.notes.get(pHYs));
  // A PNG may have a profile or be sRGB, not both (PNG specification, section 11.3.2.3). The profile says
  // more.
  const kept = [cICP, mDCV, cLLI, cHRM, gAMA, ...(iccProfile ? [] : [sRGB])];
  const colorChunks = kept.flatMap((type) => {
    const content = header.notes.get(type);
    return content === undefined ? [] : [{ type, content }];
  });
  return { colorChunks, ...(iccProfile && { iccProfile }), ...(density && { density }) };
}

/**
 * Returns `appearance` as complete chunks to put between a PNG's header and its pixels; no bytes if there is
 * nothing to say.
 */
export async function ancillaryChunks(appearance: Appearance): Promise<Uint8Array> {
  const { colorChunks = [], iccProfile, density } = appearance;
  const pieces = colorChunks.flatMap(({ type, content }) => frameChunk(type, content));
  if (iccProfile) pieces.push(...frameChunk(iCCP, await profileContent(iccProfile)));
  if (density) pieces.push(...frameChunk(pHYs, densityContent(density)));
  return Buffer.concat(pieces);
}

/**
 * Returns the profile in iCCP, where a name precedes it. Inflates at most as much as a profile may have. As
 * in libpng, the checksum after the profile may be missing, because a profile has its own length.
 */
function readProfile(header: PngHeader): Uint8Array | undefined {
  const content = header.notes.get(iCCP);
  if (content === undefined || isGrey(header)) return undefined;
  const nameEnd = content.indexOf(0);
  if (nameEnd < 1 || nameEnd > 79 || content[nameEnd + 1] !== 0) return undefined;
  try {
    const limits = { maxOutputLength: maxProfileBytes, finishFlush: constants.Z_SYNC_FLUSH };
    return rgbProfileOf(inflateSync(content.subarray(nameEnd + 2), limits));
  } catch {
    return undefined;
  }
}

async function profileContent(profile: Uint8Array): Promise<Buffer> {
  return Buffer.concat([Buffer.from('ICC profile\0\0'), await compress(profile)]);
}

function readDensity(content: Uint8Array | undefined): Density | undefined {
  if (content === undefined) return undefined;
  const view = viewOf(content);
  const [x, y, unit] = [view.getUint32(0), view.getUint32(4), content[8]];
  return unit === metre ? metreDensity(x, y) : aspectDensity(x, y);
}

function densityContent({ x, y, unit }: Density): Buffer {
  const content = Buffer.alloc(9);
  content.writeUInt32BE(x);
  content.writeUInt32BE(y, 4);
  content[8] = unit === 'metre' ? metre : 0;
  return content;
}
