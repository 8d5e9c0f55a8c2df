// Draws a picture as its tiles. Each state has a shape of its own besides its colour.
import { isRetried, tileState } from './tile-states.ts';

export interface MosaicPlan {
  columns: number;
  rows: number;
  /** Size of the picture and of a tile in the picture's pixels; a tile size of 0 means tiles of equal size. */
  width: number;
  height: number;
  tileSize: number;
  tiles: string;
  preview: ImageBitmap | null;
}

interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** Tiles smaller than this have no gap and no marks. */
const MARKED_FROM_PX = 7;

export function drawMosaic(canvas: HTMLCanvasElement, plan: MosaicPlan): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const style = getComputedStyle(canvas);
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim();
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (let tile = 0; tile < plan.columns * plan.rows; tile++) {
    drawTile(context, plan, boxOf(tile, plan, canvas), plan.tiles[tile] ?? '-', color);
  }
}

/** Draws a picture that is not cut yet, paler than it is. */
export function drawWhole(canvas: HTMLCanvasElement, preview: ImageBitmap | null): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.globalAlpha = 0.4;
  if (preview !== null) context.drawImage(preview, 0, 0, canvas.width, canvas.height);
  context.globalAlpha = 1;
}

/** Returns where a tile is on the canvas. */
function boxOf(tile: number, plan: MosaicPlan, canvas: HTMLCanvasElement): Box {
  const { columns, rows, width, height, tileSize } = plan;
  const [column, row] = [tile % columns, Math.floor(tile / columns)];
  const edge = (at: number, count: number, side: number, canvasSide: number) =>
    Math.round((tileSize > 0 ? Math.min(1, (at * tileSize) / side) : at / count) * canvasSide);
  const [x, y] = [edge(column, columns, width, canvas.width), edge(row, rows, height, canvas.height)];
  return {
    x,
    y,
    w: edge(column + 1, columns, width, canvas.width) - x,
    h: edge(row + 1, rows, height, canvas.height) - y,
  };
}

function drawTile(
  context: CanvasRenderingContext2D,
  { preview }: MosaicPlan,
  box: Box,
  letter: string,
  color: (name: string) => string,
): void {
  const { x, y, w, h } = box;
  const unit = Math.min(w, h);
  const gap = unit >= MARKED_FROM_PX ? Math.max(1, Math.round(unit / 50)) : 0;
  const inner = { x: x + gap / 2, y: y + gap / 2, w: w - gap, h: h - gap };
  const state = tileState(letter);
  context.save();
  if (gap > 0) {
    context.beginPath();
    context.roundRect(inner.x, inner.y, inner.w, inner.h, gap * 2);
    context.clip();
  }
  context.fillStyle = color(state === 'done' ? 'tile-done' : 'tile');
  context.fillRect(x, y, w, h);
  if (preview !== null) {
    context.globalAlpha = { none: 0.06, queued: 0.16, waiting: 0.16, inFlight: 0.5, dead: 0.1, done: 1 }[
      state
    ];
    drawPart(context, preview, box);
    context.globalAlpha = 1;
  }
  if (unit >= MARKED_FROM_PX) drawMark(context, inner, letter, color);
  else if (state === 'inFlight' || state === 'dead') {
    context.fillStyle = color(state === 'dead' ? 'bad' : 'accent');
    context.fillRect(x, y, w, h);
  }
  context.restore();
}

/** Draws the part of the preview that belongs to a tile. */
function drawPart(context: CanvasRenderingContext2D, preview: ImageBitmap, { x, y, w, h }: Box): void {
  const { width, height } = context.canvas;
  const [scaleX, scaleY] = [preview.width / width, preview.height / height];
  context.drawImage(preview, x * scaleX, y * scaleY, w * scaleX, h * scaleY, x, y, w, h);
}

function drawMark(
  context: CanvasRenderingContext2D,
  { x, y, w, h }: Box,
  letter: string,
  color: (name: string) => string,
): void {
  const unit = Math.min(w, h);
  const [middleX, middleY] = [x + w / 2, y + h / 2];
  const line = Math.max(1.5, unit / 22);
  context.lineWidth = line;
  context.lineCap = 'round';
  const state = tileState(letter);
  if (state === 'queued') {
    context.fillStyle = color('muted');
    circle(context, middleX, middleY, unit / 14);
    context.fill();
  } else if (state === 'inFlight') {
    context.strokeStyle = color('accent');
    context.lineWidth = line * 2.5; // Half of it is outside of the clip.
    context.strokeRect(x, y, w, h);
    context.fillStyle = color('accent');
    circle(context, middleX, middleY, unit / 7);
    context.fill();
  } else if (state === 'waiting') {
    context.strokeStyle = color('warn');
    circle(context, middleX, middleY, unit / 6);
    context.stroke();
  } else if (state === 'dead') {
    context.strokeStyle = color('bad');
    const arm = unit / 5;
    context.beginPath();
    context.moveTo(middleX - arm, middleY - arm);
    context.lineTo(middleX + arm, middleY + arm);
    context.moveTo(middleX + arm, middleY - arm);
    context.lineTo(middleX - arm, middleY + arm);
    context.stroke();
  }
  if (isRetried(letter)) drawCorner(context, x + w, y, unit / 4, color('retried'));
}

/** A tile that was claimed more than once has a folded corner. */
function drawCorner(
  context: CanvasRenderingContext2D,
  right: number,
  top: number,
  size: number,
  fill: string,
): void {
  context.fillStyle = fill;
  context.beginPath();
  context.moveTo(right - size, top);
  context.lineTo(right, top);
  context.lineTo(right, top + size);
  context.fill();
}

function circle(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
}
