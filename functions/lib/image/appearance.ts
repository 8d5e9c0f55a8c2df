// How an image is to be shown: what a viewer needs, besides the pixels, to show the same colours at the same
// size.
import { firstSidewaysOrientation } from './bands.ts';
import { type Density, turnSideways } from './density.ts';

export interface Appearance {
  /** An ICC profile for RGB pixels, see icc.ts. */
  iccProfile?: Uint8Array;
  density?: Density;
  /** PNG chunks about colour, each with its type. They are copied unchanged. */
  colorChunks?: { type: number; content: Uint8Array }[];
}

/** Returns the appearance of a picture after turning it by the EXIF `orientation`. */
export function turned(appearance: Appearance, orientation: number): Appearance {
  const { density } = appearance;
  if (density === undefined || orientation < firstSidewaysOrientation) return appearance;
  return { ...appearance, density: turnSideways(density) };
}
