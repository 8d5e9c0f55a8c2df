// Copies between bitmaps and the scratch memory. In: the window, which is all pixels that a block reads. Pixels beyond the
// border of the image are filled with its outermost pixels, and alpha is left out if the whole window is opaque.
// Out: the blurred pixels of the block.
import { asBuffer, type Bitmap, type Channels, type Rect } from '../../lib/image/pixels.ts';
import { result, RESULT_ROW, rgbaWindow, rgbWindow, viewsOn } from './scratch.ts';

const rgbaBytes = new Uint8Array(rgbaWindow);
const rgbBytes = new Uint8Array(rgbWindow);
const [W0, W1, W2, W3] = viewsOn(rgbaWindow, Int32Array, 4, 1, 1);
const [T0, T1, T2] = viewsOn(rgbWindow, Int32Array, 3, 1, 1);
const resultBytes = Buffer.from(result);

/** What the alpha of a window is like; it decides which passes run. */
export type WindowKind = 'opaque' | 'transparent' | 'mixed';

/**
 * Loads `window`, a rectangle of `source` that may reach beyond its border. An opaque window is then in `rgbWindow` and a
 * mixed one in `rgbaWindow`. A transparent window is not needed by any pass.
 */
export function loadWindow(source: Bitmap, channels: Channels, window: Rect): WindowKind {
  if (channels === 3) {
    copyWindow(rgbBytes, source, channels, window);
    return 'opaque';
  }
  copyWindow(rgbaBytes, source, channels, window);
  const pixels = window.width * window.height;
  if (dropAlpha(pixels)) return 'opaque';
  return isTransparent(pixels) ? 'transparent' : 'mixed';
}

/** Copies the first `width` × `height` pixels of `result`, of `channels` bytes each, to `x`, `y` of `target`. */
export function storeBlock(target: Bitmap, channels: Channels, { x, y, width, height }: Rect): void {
  for (let i = 0; i < height; i++) {
    const from = i * RESULT_ROW;
    const to = ((y + i) * target.width + x) * channels;
    resultBytes.copy(target.data, to, from, from + width * channels);
  }
}

function copyWindow(
  target: Uint8Array,
  { data, width, height }: Bitmap,
  channels: Channels,
  window: Rect,
): void {
  const left = Math.max(0, window.x);
  const right = Math.min(width, window.x + window.width);
  const isWithin = window.y >= 0 && window.y + window.height <= height;
  if (isWithin && window.width === width) {
    target.set(data.subarray(window.y * width * channels, (window.y + window.height) * width * channels));
    return;
  }
  const lines = asBuffer(data);
  for (let y = 0; y < window.height; y++) {
    const row = Math.min(Math.max(window.y + y, 0), height - 1) * width;
    const to = y * window.width * channels;
    const inner = to + (left - window.x) * channels;
    const end = inner + (right - left) * channels;
    lines.copy(target, inner, (row + left) * channels, (row + right) * channels);
    repeatPixel(target, inner, to, inner, channels);
    repeatPixel(target, end - channels, end, to + window.width * channels, channels);
  }
}

/** Fills `target` from index `start` to `end` with the pixel at index `from`. */
function repeatPixel(target: Uint8Array, from: number, start: number, end: number, channels: Channels): void {
  for (let i = start; i < end; i++) target[i] = target[from + ((i - start) % channels)];
}

/**
 * Copies the first `count` pixels of the RGBA window to the RGB window. Stops and returns false if one of them is not
 * opaque. Four pixels are four 32-bit words in RGBA and three in RGB; red is the lowest byte of a word.
 */
function dropAlpha(count: number): boolean {
  rgbaBytes.fill(255, count * 4, count * 4 + 12);
  let to = 0;
  for (let i = 0; i < count; i = (i + 4) | 0) {
    const p0 = W0[i];
    const p1 = W1[i];
    const p2 = W2[i];
    const p3 = W3[i];
    if ((p0 & p1 & p2 & p3) >>> 24 !== 255) return false;
    T0[to] = (p0 & 0xffffff) | (p1 << 24);
    T1[to] = ((p1 >>> 8) & 0xffff) | (p2 << 16);
    T2[to] = ((p2 >>> 16) & 0xff) | (p3 << 8);
    to = (to + 3) | 0;
  }
  return true;
}

function isTransparent(count: number): boolean {
  for (let i = 0; i < count; i++) if (W0[i] >>> 24 !== 0) return false;
  return true;
}
