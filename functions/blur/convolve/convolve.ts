// The blur: a bitmap convolved with a Gaussian, exact to one grey level and the same however the image was tiled.
// Each block of the image goes through a horizontal and a vertical pass. scripts/generate-passes.ts explains the passes.
import { channelsOf, type Bitmap, type Channels, type Rect } from '../../lib/image/pixels.ts';
import { ExactBlur } from './exact.ts';
import { preparePasses, slideRgbaColumn, slideRgbaRows, slideRgbColumn, slideRgbRows } from './slide.ts';
import { BLOCK, doubtfulPixels, result, RESULT_ROW } from './scratch.ts';
import { loadWindow, storeBlock } from './window.ts';
import { assertKernelSize, fitCosines, type CosineKernel } from './kernel.ts';

const resultBytes = new Uint8Array(result);

/**
 * Returns the Gaussian blur of `source` for an odd `kernelSize` from 1 to 255, with sigma = kernelSize / 3. Beyond the
 * border of the source its outermost pixels are repeated. So a tile's source must hold the core and a halo of
 * (kernelSize − 1) / 2 pixels, and less only where the image ends.
 *
 * The result holds the pixels of `core` (all pixels by default) in a new buffer, with as many bytes per pixel as the
 * source. Every sample is at most 1 away from the true value rounded to nearest. Colours are averaged with their alpha
 * as the weight. Where the whole window is transparent the pixel is 0, 0, 0, 0. The source is not changed.
 *
 * Throws a RangeError for a kernel size, a bitmap length or a core that is not possible.
 */
export function convolve(source: Bitmap, kernelSize: number, core: Rect = wholeOf(source)): Bitmap {
  assertKernelSize(kernelSize);
  const channels = channelsOf(source);
  assertWithin(core, source);
  const target: Bitmap = {
    data: new Uint8Array(core.width * core.height * channels),
    width: core.width,
    height: core.height,
  };
  if (kernelSize === 1) copyCore(source, channels, core, target);
  else blurCore(source, channels, kernelOf(kernelSize), core, target);
  return target;
}

function blurCore(
  source: Bitmap,
  channels: Channels,
  kernel: CosineKernel,
  core: Rect,
  target: Bitmap,
): void {
  const exact = new ExactBlur(source, kernel.weights);
  const radius = (kernel.size - 1) / 2;
  for (let y = 0; y < core.height; y += BLOCK) {
    for (let x = 0; x < core.width; x += BLOCK) {
      const width = Math.min(BLOCK, core.width - x);
      const height = Math.min(BLOCK, core.height - y);
      const block = { x: core.x + x, y: core.y + y, width, height };
      const kind = loadWindow(source, channels, {
        x: block.x - radius,
        y: block.y - radius,
        width: width + 2 * radius,
        height: height + 2 * radius,
      });
      // The target is all zeros at the start.
      if (kind === 'transparent') continue;
      if (kind === 'opaque') blurOpaque(block, channels, kernel.size, exact);
      else blurMixed(block, kernel.size, exact);
      storeBlock(target, channels, { x, y, width, height });
    }
  }
}

/** Blurs the RGB window of `block`, a rectangle of the source. The bytes are then in `result`. */
function blurOpaque(block: Rect, channels: Channels, size: number, exact: ExactBlur): void {
  if (channels === 4) resultBytes.fill(255, 0, block.height * RESULT_ROW);
  slideRgbRows(block.width, block.height, size);
  for (let x = 0; x < block.width; x++) {
    const doubts = slideRgbColumn(x, block.height, size, channels);
    if (doubts > 0) settle(doubts, x, block, channels, exact);
  }
}

/** Does the same with the RGBA window. */
function blurMixed(block: Rect, size: number, exact: ExactBlur): void {
  slideRgbaRows(block.width, block.height, size);
  for (let x = 0; x < block.width; x++) {
    const doubts = slideRgbaColumn(x, block.height, size);
    if (doubts > 0) settle(doubts, x, block, 4, exact);
  }
}

/** Computes the first `count` doubtful pixels again, exactly. All of them are in column `x` of the block. */
function settle(count: number, x: number, block: Rect, channels: Channels, exact: ExactBlur): void {
  for (const at of doubtfulPixels.subarray(0, count)) {
    const y = Math.floor(at / RESULT_ROW);
    // The passes also write a few rows below the block.
    if (y >= block.height) continue;
    const pixel = exact.pixelAt(block.x + x, block.y + y);
    for (let c = 0; c < channels; c++) resultBytes[at + c] = pixel[c];
  }
}

let prepared: CosineKernel | null = null;

/** Returns the kernel and prepares the passes for it, unless the last call did that already. */
function kernelOf(kernelSize: number): CosineKernel {
  if (prepared?.size === kernelSize) return prepared;
  prepared = fitCosines(kernelSize);
  preparePasses(prepared);
  return prepared;
}

/** Returns the result for a kernel of one pixel: a copy of the core in which fully transparent pixels are 0, 0, 0, 0. */
function copyCore(source: Bitmap, channels: Channels, core: Rect, target: Bitmap): void {
  for (let y = 0; y < core.height; y++) {
    const from = ((core.y + y) * source.width + core.x) * channels;
    target.data.set(source.data.subarray(from, from + core.width * channels), y * core.width * channels);
  }
  if (channels === 3) return;
  for (let i = 0; i < target.data.length; i += 4) {
    if (target.data[i + 3] === 0) target.data.fill(0, i, i + 3);
  }
}

function wholeOf({ width, height }: Bitmap): Rect {
  return { x: 0, y: 0, width, height };
}

function assertWithin(core: Rect, { width, height }: Bitmap): void {
  const fits =
    core.x >= 0 &&
    core.y >= 0 &&
    core.width >= 1 &&
    core.height >= 1 &&
    core.x + core.width <= width &&
    core.y + core.height <= height;
  if (fits && [core.x, core.y, core.width, core.height].every(Number.isInteger)) return;
  const { x, y } = core;
  throw new RangeError(
    `a core of ${core.width}x${core.height} pixels at ${x}, ${y} is not within ${width}x${height} pixels`,
  );
}
