// How an image's pixels are to be shown: what a viewer needs beside them to show the same colours at the same size.
import { firstSidewaysOrientation } from './bands.ts';
import { type Density, turnSideways } from './density.ts';

export interface Appearance {
  /** An ICC profile for RGB pixels, see icc.ts. */
  iccProfile?: Uint8Array;
  density?: Density;
  /** PNG chunks about colour, each with its type, that are kept as they are. */
  colorChunks?: { type: number; content: Uint8Array }[];
}

/** The appearance of a picture once it is turned by the EXIF `orientation`. */
export function turned(appearance: Appearance, orientation: number): Appearance {
  const { density } = appearance;
  if (density === undefined || orientation < firstSidewaysOrientation) return appearance;
  return { ...appearance, density: turnSideways(density) };
}
