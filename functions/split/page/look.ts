// Asks split for the state of the queue and the images, and keeps the answers.
import { signal } from '@preact/signals';
import { announce } from './announcements.ts';
import { Refusal } from './faults.ts';
import {
  addListed,
  change,
  hasCard,
  isMoving,
  isUnderWay,
  noteImage,
  pictures,
  rememberedIds,
  type Cell,
} from './pictures.ts';
import { loadResult } from './results.ts';
import { split } from './split.ts';
import { hasEnded, type DeadLetter, type ListedImage, type QueueView } from './views.ts';
import { noteWorkers } from './workers.ts';

/** The numbers at one moment. */
export interface Sample {
  at: number;
  queued: number;
  inFlight: number;
  delayed: number;
  workers: number;
}

/** For how long samples are kept. */
const WINDOW_MS = 60_000;
/** How many unfinished images are asked about each time: the oldest, because they are finished first. */
const LOOKED_AT = 6;
const LIST_EVERY_MS = 3000;

export const queue = signal<QueueView | null>(null);
export const samples = signal<readonly Sample[]>([]);
export const deadLetters = signal<readonly DeadLetter[]>([]);

let listedAt = -Infinity;
let deadSeen = 0;
let changedAt = performance.now();
/** The last answers: the queue's numbers and each image's tiles. */
const seen = new Map<string, string>();

/** Returns for how long nothing has changed. */
export function unchangedMs(): number {
  return performance.now() - changedAt;
}

/** Notes that something is going to change. */
export function expectChange(): void {
  changedAt = performance.now();
}

export function isBusy(): boolean {
  const { queued = 0, inFlight = 0, delayed = 0, outbox = 0, images = 0 } = queue.peek() ?? {};
  const isAnythingThere = queued + inFlight + delayed + outbox + images > 0;
  return isAnythingThere || pictures.peek().some((cell) => isMoving(cell.peek()));
}

/** Asks once. Throws Refusal or Away if split does not answer for the queue. */
export async function look(): Promise<void> {
  const now = await split.queue();
  noteQueue(now);
  // Somebody else may have sent images.
  const isListDue = listedAt === -Infinity || now.images > underWay().length;
  if (isListDue && performance.now() - listedAt > LIST_EVERY_MS) await list();
  await Promise.all(underWay().slice(-LOOKED_AT).map(lookAt));
  if (now.dead !== deadSeen) await listDeadLetters();
  deadSeen = now.dead;
}

async function listDeadLetters(): Promise<void> {
  try {
    deadLetters.value = await split.deadLetters();
  } catch (error) {
    if (!isSwitchedOff(error)) throw error;
  }
}

function isSwitchedOff(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'switched-off';
}

function underWay(): Cell[] {
  return pictures.peek().filter((cell) => isUnderWay(cell.peek()));
}

function noteQueue(now: QueueView): void {
  queue.value = now;
  noteWorkers(now.workers);
  const { queued, inFlight, delayed, outbox, dead, images } = now;
  const workers = now.workers.filter(({ state }) => state === 'up').length;
  const at = Date.now();
  const kept = samples.peek();
  // One sample before the window says what was there at its beginning.
  const first = Math.max(0, kept.findIndex((sample) => sample.at > at - WINDOW_MS) - 1);
  samples.value = [...kept.slice(first), { at, queued, inFlight, delayed, workers }];
  noteSeen('queue', [queued, inFlight, delayed, outbox, dead, images, workers].join());
}

/** Notes the answers. As long as they stay the same, the page asks less and less often. */
function noteSeen(what: string, text: string): void {
  if (seen.get(what) !== text) expectChange();
  seen.set(what, text);
}

async function list(): Promise<void> {
  try {
    addListed(await split.images());
  } catch (error) {
    if (!isSwitchedOff(error)) throw error;
    addListed(await remembered());
    listedAt = Infinity;
    return;
  }
  listedAt = performance.now();
}

/** Returns the images that this tab has sent and that still exist. */
async function remembered(): Promise<ListedImage[]> {
  const found = await Promise.all(
    rememberedIds().map(async (id) => {
      try {
        return await split.image(id);
      } catch (error) {
        if (error instanceof Refusal) return null;
        throw error;
      }
    }),
  );
  return found.filter((image) => image !== null);
}

async function lookAt(cell: Cell): Promise<void> {
  const { id, image } = cell.peek();
  if (id === null || image === null) return;
  try {
    const tiles = await split.tiles(id);
    noteSeen(id, tiles.status + tiles.tiles);
    change(cell, { tiles });
    if (tiles.status === image.status && 'tileSize' in image) return;
    await lookCloser(cell, id);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'not-found') throw error;
    change(cell, { note: error.message, image: { ...image, status: 'cancelled' } });
  }
}

async function lookCloser(cell: Cell, id: string): Promise<void> {
  const image = await split.image(id);
  if (cell.peek().id !== id) return; // It was sent again meanwhile.
  noteImage(cell, image);
  if (!hasEnded(image.status)) return;
  seen.delete(id);
  if (image.status === 'done') {
    announce(`${image.name} is done.`);
    if (hasCard(cell)) await loadResult(cell);
  } else announce(`${image.name}: ${image.status}.`);
}
