// Converts samples of any colour type and bit depth to 8-bit RGB or RGBA (PNG specification, sections 13.12
// and 13.16).
import { channelsOfPng, type PngHeader } from './header.ts';
import { colorTypes, hasAlphaSamples, isGrey } from './layout.ts';

/** Writes a row of packed pixels to `out` at `to`, with `channelsOfPng` bytes per pixel. */
export type ExpandRow = (row: Uint8Array, out: Uint8Array, to: number) => void;

/** Returns the function that expands rows of `width` pixels, or undefined if they are already 8-bit RGB or RGBA. */
export function rowExpander(header: PngHeader, width: number): ExpandRow | undefined {
  const { colorType, bitDepth, samplesAPixel } = header;
  if (bitDepth === 8 && samplesAPixel === channelsOfPng(header)) return undefined;
  const samples = new Uint16Array(width * samplesAPixel);
  const expand = colorType === colorTypes.palette ? paletteExpander(header) : colorExpander(header);
  return (row, out, to) => {
    unpack(row, bitDepth, samples);
    expand(samples, out, to);
  };
}

type ExpandSamples = (samples: Uint16Array, out: Uint8Array, to: number) => void;

function unpack(row: Uint8Array, bitDepth: number, samples: Uint16Array): void {
  if (bitDepth === 8) {
    samples.set(row);
  } else if (bitDepth === 16) {
    for (let i = 0; i < samples.length; i++) samples[i] = (row[2 * i] << 8) | row[2 * i + 1];
  } else {
    // The leftmost pixel is in the highest bits.
    const samplesAByte = 8 / bitDepth;
    const mask = 2 ** bitDepth - 1;
    for (let i = 0; i < samples.length; i++) {
      const shift = 8 - bitDepth * (1 + (i % samplesAByte));
      samples[i] = (row[Math.floor(i / samplesAByte)] >> shift) & mask;
    }
  }
}

/** An index beyond the palette is opaque black, as in libpng. */
function paletteExpander(header: PngHeader): ExpandSamples {
  const { palette = new Uint8Array(), transparency } = header;
  const colors = new Uint8Array(256 * 3);
  colors.set(palette);
  const alphas = new Uint8Array(256).fill(255);
  if (transparency !== undefined) alphas.set(transparency);
  return (samples, out, to) => {
    for (const index of samples) {
      out[to++] = colors[3 * index];
      out[to++] = colors[3 * index + 1];
      out[to++] = colors[3 * index + 2];
      if (transparency !== undefined) out[to++] = alphas[index];
    }
  };
}

/**
 * For grey or colour with alpha samples, or with one transparent colour, which is compared before samples
 * lose bits. 16 bits are rounded to 8, as in libpng's png_set_scale_16.
 */
function colorExpander(header: PngHeader): ExpandSamples {
  const { bitDepth, samplesAPixel, transparency } = header;
  const largest = 2 ** bitDepth - 1;
  const toByte = new Uint8Array(largest + 1);
  for (let sample = 0; sample <= largest; sample++) toByte[sample] = Math.round((sample * 255) / largest);
  const hasGrey = isGrey(header);
  const hasAlpha = hasAlphaSamples(header);
  const clear = new Uint16Array(3);
  if (transparency !== undefined) unpack(transparency, 16, clear.subarray(0, samplesAPixel));
  if (hasGrey) clear.fill(clear[0]);
  // Bits above the bit depth are ignored.
  for (let i = 0; i < clear.length; i++) clear[i] &= largest;
  return (samples, out, to) => {
    for (let i = 0; i < samples.length; i += samplesAPixel) {
      const red = samples[i];
      const green = hasGrey ? red : samples[i + 1];
      const blue = hasGrey ? red : samples[i + 2];
      out[to++] = toByte[red];
      out[to++] = toByte[green];
      out[to++] = toByte[blue];
      if (hasAlpha) {
        out[to++] = toByte[samples[i + samplesAPixel - 1]];
      } else if (transparency !== undefined) {
        out[to++] = red === clear[0] && green === clear[1] && blue === clear[2] ? 0 : 255;
      }
    }
  };
}
