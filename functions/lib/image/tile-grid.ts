// The geometry of tiles: which pixels a tile produces (its core) and which it reads (its core plus a halo).
// All functions compute their rectangles here, so split, blur and assemble cannot disagree.
import type { Rect } from './pixels.ts';

/** How an image is cut, in pixels. `haloPx` is the halo's width. */
export interface TileGrid {
  width: number;
  height: number;
  tileSizePx: number;
  haloPx: number;
}

/** Returns the grid of an image of `width` × `height` pixels. `haloPx` may be omitted if only cores matter. */
export function tileGrid(width: number, height: number, tileSizePx: number, haloPx = 0): TileGrid {
  return { width, height, tileSizePx, haloPx };
}

/** Returns the number of tiles in a row of the grid. */
export function columnsOf(grid: TileGrid): number {
  return Math.ceil(grid.width / grid.tileSizePx);
}

/** Returns the number of rows of tiles. */
export function rowsOf(grid: TileGrid): number {
  return Math.ceil(grid.height / grid.tileSizePx);
}

/** Returns the number of tiles. They are numbered from 0, row by row. */
export function tileCount(grid: TileGrid): number {
  return columnsOf(grid) * rowsOf(grid);
}

/** Returns the pixels of the image that tile number `tile` must produce. */
export function coreOf(grid: TileGrid, tile: number): Rect {
  const columns = columnsOf(grid);
  const x = (tile % columns) * grid.tileSizePx;
  const y = Math.floor(tile / columns) * grid.tileSizePx;
  return {
    x,
    y,
    width: Math.min(grid.tileSizePx, grid.width - x),
    height: Math.min(grid.tileSizePx, grid.height - y),
  };
}

/**
 * Returns the pixels of the image that tile number `tile` reads: its core and a halo of `haloPx`, cut at the
 * image's border. Beyond that border the convolution repeats the last pixel, so a border inside a source is
 * always the image's own.
 */
export function sourceOf(grid: TileGrid, tile: number): Rect {
  const core = coreOf(grid, tile);
  const x = Math.max(0, core.x - grid.haloPx);
  const y = Math.max(0, core.y - grid.haloPx);
  return {
    x,
    y,
    width: Math.min(grid.width, core.x + core.width + grid.haloPx) - x,
    height: Math.min(grid.height, core.y + core.height + grid.haloPx) - y,
  };
}

/** Returns the position of a tile's core inside its source rectangle. */
export function coreInSource(grid: TileGrid, tile: number): Rect {
  const core = coreOf(grid, tile);
  const source = sourceOf(grid, tile);
  return { ...core, x: core.x - source.x, y: core.y - source.y };
}
