// Colour profiles for tests, derived from one that is part of libvips.
import sharp from 'sharp';

/** Display P3, a profile of some hundred bytes for RGB. */
export async function displayP3(): Promise<Buffer> {
  const image = sharp({ create: { width: 1, height: 1, channels: 3, background: 'red' } });
  const { icc } = await sharp(await image.withIccProfile('p3').png().toBuffer()).metadata();
  if (icc === undefined) throw new Error('libvips wrote no profile');
  return icc;
}

/**
 * Returns `profile` with the primaries of red and green exchanged, so that a viewer that ignores it shows red
 * instead of green.
 */
export function swapRedAndGreen(profile: Buffer): Buffer {
  const swapped = Buffer.from(profile);
  const red = entryOf(profile, 'rXYZ');
  const green = entryOf(profile, 'gXYZ');
  profile.copy(swapped, red + 4, green + 4, green + 12);
  profile.copy(swapped, green + 4, red + 4, red + 12);
  return swapped;
}

/**
 * Returns the position of a tag's entry in the table of tags: its name, then the position and the length of
 * its data.
 */
function entryOf(profile: Buffer, tag: string): number {
  const count = profile.readUInt32BE(128);
  for (let i = 0; i < count; i++) {
    const at = 132 + 12 * i;
    if (profile.toString('latin1', at, at + 4) === tag) return at;
  }
  throw new Error(`The profile has no ${tag}`);
}
