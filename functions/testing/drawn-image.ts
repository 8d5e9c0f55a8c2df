// Images for tests, the same in every run: typical ones, and the hardest ones for a blur.
import { channelsOf, type Bitmap, type Channels, type Rect } from '../lib/image/pixels.ts';

type Pixel = [red: number, green: number, blue: number, alpha: number];
type Draw = (x: number, y: number, random: (values: number) => number) => Pixel;

const smooth: Draw = (x, y, random) => [
  128 + 80 * Math.sin(x / 17) * Math.cos(y / 23) + random(16),
  128 + 90 * Math.sin(x / 9),
  60 + ((x ^ y) % 90),
  255,
];
const noise: Draw = (_x, _y, random) => [random(256), random(256), random(256), 255];
const blackOrWhite: Draw = (_x, _y, random) => [random(2) * 255, random(2) * 255, random(2) * 255, 255];

/** Every pixel is opaque, so the tests draw these as RGB too. */
const opaqueImages = {
  smooth,
  noise,
  'black or white': blackOrWhite,
  checkerboards: (x, y) => [((x + y) & 1) * 255, ((x >> 2) & 1) * 255, ((y >> 3) & 1) * 255, 255],
  'single pixels': (x, y) => [
    x % 40 === 20 && y % 40 === 20 ? 255 : 0,
    x === 3 ? 255 : 0,
    y === 3 ? 255 : 0,
    255,
  ],
} satisfies Record<string, Draw>;

const alphaImages = {
  'soft alpha': (x, y, random) => withAlpha(noise(x, y, random), clamp(300 - 5 * Math.hypot(x - 40, y - 30))),
  'noisy alpha': (x, y, random) => withAlpha(blackOrWhite(x, y, random), random(256)),
  'mixed alpha': (x, y, random) => withAlpha(blackOrWhite(x, y, random), [0, 1, 255][random(3)]),
  'a few pixels of alpha 1': (x, y, random) =>
    withAlpha(blackOrWhite(x, y, random), random(150) === 0 ? 1 : 0),
  'hard alpha edge': (x, y) => [(x & 1) * 255, (y & 1) * 255, 200, x < 35 ? 255 : 0],
  'alpha 1 beyond an opaque edge': (x, y) => [
    (x & 1) * 255,
    (y & 1) * 255,
    200,
    x < 35 ? 255 : x % 30 === 0 ? 1 : 0,
  ],
  'coloured but transparent': (x, y, random) => withAlpha(noise(x, y, random), 0),
  // Black and white with the same alpha, placed symmetrically, so that averages are exactly 127.5.
  ties: (x, y) => [x % 8 === 0 ? 255 : 0, y % 8 === 0 ? 255 : 0, 255, x % 4 === 0 && y % 4 === 0 ? 200 : 0],
  // The same pattern with almost no alpha, next to an area with a lot of alpha.
  'ties of alpha 1': (x, y) => {
    if (x < 20) return [(x & 1) * 255, 99, 200, 255];
    return [x % 48 === 0 ? 255 : 0, y % 48 === 0 ? 255 : 0, 255, x % 24 === 0 && y % 24 === 0 ? 1 : 0];
  },
} satisfies Record<string, Draw>;

const images = { ...opaqueImages, ...alphaImages };

export type ImageKind = keyof typeof images;
export const opaqueKinds = Object.keys(opaqueImages) as ImageKind[];
export const alphaKinds = Object.keys(alphaImages) as ImageKind[];

/** Returns an image of that kind as RGBA, or without its alpha as RGB. */
export function drawImage(kind: ImageKind, width: number, height: number, channels: Channels = 4): Bitmap {
  const data = new Uint8Array(width * height * channels);
  const draw: Draw = images[kind];
  let state = 1;
  const random = (values: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * values);
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data.set(draw(x, y, random).slice(0, channels), (y * width + x) * channels);
    }
  }
  return { data, width, height };
}

/** Returns the pixels of `rect` as an image. */
export function crop(image: Bitmap, { x, y, width, height }: Rect): Bitmap {
  const channels = channelsOf(image);
  const data = new Uint8Array(width * height * channels);
  for (let row = 0; row < height; row++) {
    const from = ((y + row) * image.width + x) * channels;
    data.set(image.data.subarray(from, from + width * channels), row * width * channels);
  }
  return { data, width, height };
}

function withAlpha([red, green, blue]: Pixel, alpha: number): Pixel {
  return [red, green, blue, alpha];
}

function clamp(value: number): number {
  return Math.min(Math.max(value, 0), 255);
}
