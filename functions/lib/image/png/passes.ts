// The order of a PNG's pixels: row by row, or in seven passes if it is interlaced (PNG specification, section
// 8.2). Each pass is a small picture.
import { type PngLayout, rowLength } from './layout.ts';

/** The pixels from (`x`, `y`) on, every `stepX`th and `stepY`th: `width` × `height` in total. */
export interface Pass {
  x: number;
  y: number;
  stepX: number;
  stepY: number;
  width: number;
  height: number;
}

type Places = Pick<Pass, 'x' | 'y' | 'stepX' | 'stepY'>;

const adam7: Places[] = [
  { x: 0, y: 0, stepX: 8, stepY: 8 },
  { x: 4, y: 0, stepX: 8, stepY: 8 },
  { x: 0, y: 4, stepX: 4, stepY: 8 },
  { x: 2, y: 0, stepX: 4, stepY: 4 },
  { x: 0, y: 2, stepX: 2, stepY: 4 },
  { x: 1, y: 0, stepX: 2, stepY: 2 },
  { x: 0, y: 1, stepX: 1, stepY: 2 },
];
const everyPixel: Places[] = [{ x: 0, y: 0, stepX: 1, stepY: 1 }];

/** Returns the passes of an image in file order, without those that have no pixels. */
export function passesOf(layout: PngLayout): Pass[] {
  const passes = (layout.isInterlaced ? adam7 : everyPixel).map(({ x, y, stepX, stepY }) => {
    const width = Math.ceil((layout.width - x) / stepX);
    const height = Math.ceil((layout.height - y) / stepY);
    return { x, y, stepX, stepY, width, height };
  });
  return passes.filter(({ width, height }) => width > 0 && height > 0);
}

/** Returns how many bytes the image data must inflate to: every row of every pass with its filter byte. */
export function filteredLength(layout: PngLayout): number {
  return passesOf(layout).reduce(
    (length, pass) => length + (1 + rowLength(layout, pass.width)) * pass.height,
    0,
  );
}
