// The lines that show the state of a run, as text of a given width.
import type { styleText } from 'node:util';
import { printable } from '../functions/lib/store/names.ts';
import { beginning, columnsOf, pathInColumns } from './columns.ts';
import type { ImageResult } from './image-result.ts';
import type { ScalerState } from './scaler.ts';

/** An image in progress. */
export interface ImageNews {
  name: string;
  tiles: number;
  done: number;
  state: string;
}

/** A run as a whole. */
export interface Totals {
  images: number;
  finished: number;
  /** The images in progress, each as the share of it that is done. */
  inProgress: number;
  /** Pixels of the results written, in millions. */
  megapixels: number;
  elapsedMs: number;
  scaler: ScalerState | null;
}

type Style = Parameters<typeof styleText>[0];
/** Colours a text, or returns it unchanged if no colours are wanted. */
export type Paint = (style: Style, text: string) => string;

const NAME_SHARE = 0.6;
const COUNT_COLUMNS = 10;
const STATE_COLUMNS = 9;
/** Brackets and blanks. */
const BETWEEN_COLUMNS = 4;
const WIDEST = 80;
const SEPARATOR = ' · ';

/** Returns the line of one image in progress, with at most `columns`. */
export function imageLine({ name, tiles, done, state }: ImageNews, columns: number, paint: Paint): string {
  const count = (tiles === 0 ? '' : ` ${done}/${tiles}`).padStart(COUNT_COLUMNS);
  const room = Math.min(columns, WIDEST) - count.length - STATE_COLUMNS - BETWEEN_COLUMNS;
  const nameColumns = Math.max(1, Math.ceil(room * NAME_SHARE));
  const barColumns = Math.max(1, room - nameColumns);
  const filled = tiles === 0 ? 0 : Math.floor((done / tiles) * barColumns);
  const bar = paint('cyan', '='.repeat(filled)) + ' '.repeat(barColumns - filled);
  return `${pathInColumns(name, nameColumns)} [${bar}]${count} ${beginning(state, STATE_COLUMNS)}`;
}

/** Returns the line of the whole run: as much as fits into `columns`, the most important parts first. */
export function totalLine(totals: Totals, columns: number, paint: Paint): string {
  const { images, finished, megapixels, elapsedMs, scaler } = totals;
  const parts = [`${finished}/${images} images`];
  if (megapixels > 0) parts.push(`${rate(megapixels, elapsedMs)} Mpx/s`);
  const etaMs = timeLeftMs(totals);
  if (etaMs !== null) parts.push(`ETA ${clock(etaMs)}`);
  if (scaler) parts.push(...scalerParts(scaler));
  return paint('bold', fitting(parts, SEPARATOR, columns));
}

/** Returns the line of `--serve`: as much as fits into `columns`. `counts`: how many images are over, or nothing yet. */
export function servingLine(scaler: ScalerState | null, counts: string, columns: number): string {
  const parts = scaler ? scalerParts(scaler) : ['starting'];
  return fitting([...parts, ...(counts ? [counts] : []), 'Ctrl-C ends it'], SEPARATOR, columns);
}

/** The queues and the workers. */
export function scalerParts({ queue, leases, delayed, running }: ScalerState): string[] {
  return [
    `queue ${queue}`,
    `in flight ${leases}`,
    ...(delayed > 0 ? [`delayed ${delayed}`] : []),
    `workers ${running}`,
  ];
}

/** Returns the outcome of an image, with as many figures as fit into `columns`. */
export function finishedLine(result: ImageResult, columns = Infinity): string {
  const { input, state, width, height, tiles, ms, output, error } = result;
  if (output === null) return `${printable(input)}  ${state}: ${error}`;
  const parts = [
    `${printable(input)} → ${printable(output)}`,
    `${width}x${height}`,
    `${tiles} tiles`,
    `${ms} ms`,
  ];
  return fitting(parts, '  ', columns);
}

/** Returns the first of `parts`, and as many of the others as fit into `columns`. */
function fitting([first, ...others]: string[], separator: string, columns: number): string {
  let line = first;
  for (const part of others) {
    const longer = line + separator + part;
    if (columnsOf(longer) > columns) break;
    line = longer;
  }
  return line;
}

/** Returns megapixels per second, with one decimal. */
export function rate(megapixels: number, elapsedMs: number): string {
  return (megapixels / (Math.max(1, elapsedMs) / 1000)).toFixed(1);
}

/** Returns how long the rest will take at the pace so far; null before anything is done. */
function timeLeftMs({ images, finished, inProgress, elapsedMs }: Totals): number | null {
  const done = finished + inProgress;
  return done === 0 ? null : (elapsedMs / done) * (images - done);
}

/** `1:05`, `2:00:00`. */
function clock(ms: number): string {
  const all = Math.ceil(ms / 1000);
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  return hours > 0
    ? `${hours}:${twoDigits(minutes)}:${twoDigits(seconds)}`
    : `${minutes}:${twoDigits(seconds)}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
