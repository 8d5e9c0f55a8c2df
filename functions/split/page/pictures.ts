// The pictures on the page, newest first. Each one is a signal of its own, so that a change redraws one card.
import { signal, type Signal } from '@preact/signals';
import { hasEnded, type ImageView, type ListedImage, type TilesView } from './views.ts';

/** What was sent, so that it can be sent again. */
export interface Upload {
  file: Blob;
  query: string;
  abort: AbortController;
  /** How often it did not arrive, although split answered other requests. */
  failures: number;
}

export interface Picture {
  key: number;
  name: string;
  /** `gone`: split does not know it any more. */
  stage: 'waiting' | 'sending' | 'refused' | 'accepted' | 'gone';
  /** Null for a picture that this page has not sent. */
  upload: Upload | null;
  /** A small picture of the file, for the mosaic. */
  preview: ImageBitmap | null;
  /** URL of the file. */
  before: string | null;
  /** Null until it is accepted. */
  id: string | null;
  image: ListedImage | ImageView | null;
  tiles: TilesView | null;
  /** The finished picture. */
  after: string | null;
  /** Why it waits, or what went wrong. */
  note: string | null;
  /** More about that, in split's words. */
  detail: string | null;
}

export type Cell = Signal<Picture>;

const KEY = 'tessera-images';
const REMEMBERED = 50;
/** How many more are shown at a time. */
export const SHOWN = 12;

export const pictures = signal<readonly Cell[]>([]);
/** How many of them have a card. */
export const shown = signal(SHOWN);

export function showMore(): void {
  shown.value += SHOWN;
}

export function hasCard(cell: Cell): boolean {
  return pictures.peek().slice(0, shown.peek()).includes(cell);
}

/** Ids of images that were removed from the page. They come back only when they are in progress again. */
const removed = new Set<string>();

let lastKey = 0;

export function addPicture(given: Partial<Picture> & Pick<Picture, 'name' | 'stage'>): Cell {
  const cell = newCell(given);
  pictures.value = [cell, ...pictures.value];
  return cell;
}

function newCell(given: Partial<Picture> & Pick<Picture, 'name' | 'stage'>): Cell {
  const empty = {
    upload: null,
    preview: null,
    before: null,
    id: null,
    image: null,
    tiles: null,
    after: null,
  };
  return signal({ key: ++lastKey, ...empty, note: null, detail: null, ...given });
}

export function change(cell: Cell, changes: Partial<Picture>): void {
  cell.value = { ...cell.peek(), ...changes };
}

/** Notes that split has accepted a picture. The same file with the same choices is the same image, and is shown once. */
export function accept(cell: Cell, image: ListedImage): void {
  for (const each of pictures.peek()) if (each !== cell && each.peek().id === image.id) removePicture(each);
  change(cell, { stage: 'accepted', id: image.id, image, tiles: null, note: null, detail: null });
  showAfter(cell, null);
  const ids = [image.id, ...rememberedIds().filter((id) => id !== image.id)];
  sessionStorage.setItem(KEY, JSON.stringify(ids.slice(0, REMEMBERED)));
}

/** Returns the ids of pictures that this tab has sent, for a split that does not list images. */
export function rememberedIds(): string[] {
  return JSON.parse(sessionStorage.getItem(KEY) ?? '[]') as string[];
}

/**
 * Adds images that the page does not know yet, in the order given: the newest first. Returns the pictures of the others whose
 * status has changed.
 */
export function addListed(images: ListedImage[]): Cell[] {
  const changed = images.map(noteStatus).filter((cell) => cell !== null);
  const lastKnown = images.findLastIndex(isKnown);
  const cellsOf = (some: ListedImage[]) =>
    some
      .filter((image) => !isKnown(image))
      .map((image) => newCell({ name: image.name, stage: 'accepted', id: image.id, image }));
  const [newer, older] = [cellsOf(images.slice(0, lastKnown + 1)), cellsOf(images.slice(lastKnown + 1))];
  if (newer.length + older.length > 0) pictures.value = [...newer, ...pictures.value, ...older];
  return changed;
}

/** Returns whether an image is on the page, or was removed from it and has not been started again. */
function isKnown({ id, status }: ListedImage): boolean {
  return cellOf(id) !== undefined || (removed.has(id) && hasEnded(status));
}

function cellOf(id: string): Cell | undefined {
  return pictures.peek().find((cell) => cell.peek().id === id);
}

/** Notes the status of an image. The reason of a failure is hidden under "Details", for people who know Tessera. */
export function noteImage(cell: Cell, image: ImageView): void {
  const words = image.status === 'failed' ? 'This picture could not be finished.' : image.error;
  change(cell, { image, note: words, detail: image.status === 'failed' ? image.error : null });
}

/** Notes the status of an image. Returns its picture if it is on the page and had another status. */
export function noteStatus({ id, status }: ListedImage): Cell | null {
  const cell = cellOf(id);
  const { image, stage } = cell?.peek() ?? {};
  if (!cell || !image || (image.status === status && stage !== 'gone')) return null;
  showAfter(cell, null);
  change(cell, { stage: 'accepted', image: { ...image, status }, note: null, detail: null });
  return cell;
}

export function showAfter(cell: Cell, result: Blob | null): void {
  const { after } = cell.peek();
  if (after !== null) URL.revokeObjectURL(after);
  change(cell, { after: result && URL.createObjectURL(result) });
}

export function removePicture(cell: Cell): void {
  const { before, preview, id } = cell.peek();
  if (id !== null) removed.add(id);
  pictures.value = pictures.value.filter((each) => each !== cell);
  if (before !== null) URL.revokeObjectURL(before);
  preview?.close();
  showAfter(cell, null);
}

/** Returns whether it is being sent, or split still works on it. */
export function isMoving(picture: Picture): boolean {
  return picture.stage === 'waiting' || picture.stage === 'sending' || isInProgress(picture);
}

/** Returns whether split still works on it. */
export function isInProgress({ stage, image }: Picture): boolean {
  return stage === 'accepted' && image !== null && !hasEnded(image.status);
}
