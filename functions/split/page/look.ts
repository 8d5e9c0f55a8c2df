// One look at split: what it asks, and where it keeps what it saw.
import { signal } from '@preact/signals';
import { Refusal } from './faults.ts';
import { followInProgress, readAgain } from './follow.ts';
import { addListed, isMoving, pictures, rememberedIds } from './pictures.ts';
import { noteSeen } from './seen.ts';
import { split } from './split.ts';
import type { DeadLetter, ListedImage, QueueView } from './views.ts';
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
const LIST_EVERY_MS = 3000;

export const queue = signal<QueueView | null>(null);
export const samples = signal<readonly Sample[]>([]);
export const deadLetters = signal<readonly DeadLetter[]>([]);

let listedAt = -Infinity;
/** Which images were begun, and which were given up, when they were listed: if these numbers change, the list does. */
let listedMark = '';
let deadSeen = 0;

export function isBusy(): boolean {
  const { queued = 0, inFlight = 0, delayed = 0, outbox = 0, images = 0, workers = [] } = queue.peek() ?? {};
  const isAnythingThere = queued + inFlight + delayed + outbox + images > 0;
  // A worker tells what it does once a second, so its last word comes after the end of its work.
  const isWorkerBusy = workers.some((worker) => worker.state === 'up' && worker.inFlight > 0);
  return isAnythingThere || isWorkerBusy || pictures.peek().some((cell) => isMoving(cell.peek()));
}

/** Looks once. Throws Refusal or Away if split does not say how the queue is. */
export async function look(): Promise<void> {
  const now = await split.queue();
  noteQueue(now);
  const mark = `${now.begun} ${now.dead}`;
  if (mark !== listedMark && performance.now() - listedAt > LIST_EVERY_MS) {
    await list();
    listedMark = mark;
  }
  await followInProgress();
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

function noteQueue(now: QueueView): void {
  queue.value = now;
  noteWorkers(now.workers);
  const { queued, inFlight, delayed, outbox, dead, images, begun } = now;
  const workers = now.workers.filter(({ state }) => state === 'up').length;
  const at = Date.now();
  const kept = samples.peek();
  // One sample before the window says what was there at its beginning.
  const first = Math.max(0, kept.findIndex((sample) => sample.at > at - WINDOW_MS) - 1);
  samples.value = [...kept.slice(first), { at, queued, inFlight, delayed, workers }];
  noteSeen('queue', [queued, inFlight, delayed, outbox, dead, images, begun, workers].join());
}

async function list(): Promise<void> {
  try {
    await readAgain(addListed(await split.images()));
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
