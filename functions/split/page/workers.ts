// The workers as they come and go. One that has left stays visible for a moment.
import { signal } from '@preact/signals';
import { announce } from './announcements.ts';
import type { WorkerView } from './views.ts';

export interface ShownWorker extends Omit<WorkerView, 'state'> {
  /** `left`: it stopped in order, because there is nothing to do. */
  state: WorkerView['state'] | 'left';
  /** When it was first missing. */
  leftAt: number | null;
}

const SHOWN_AFTER_MS = 8000;

export const workers = signal<readonly ShownWorker[]>([]);

function asLeft(worker: ShownWorker, at: number) {
  return { ...worker, state: 'left' as const, inFlight: 0, leftAt: worker.leftAt ?? at };
}

export function noteWorkers(now: readonly WorkerView[], at = Date.now()): void {
  const before = workers.peek();
  const present = now.map((worker) => ({ ...worker, leftAt: null }));
  const ids = new Set(now.map(({ id }) => id));
  const left = before
    .filter(({ id, state }) => !ids.has(id) && state !== 'lost')
    .map((worker) => asLeft(worker, at))
    .filter(({ leftAt }) => at - leftAt < SHOWN_AFTER_MS);
  const wereLost = new Set(before.filter(({ state }) => state === 'lost').map(({ id }) => id));
  const lost = present.filter(({ id, state }) => state === 'lost' && !wereLost.has(id)).length;
  if (lost === 1) announce('A worker was lost. Its tiles go to another one.');
  else if (lost > 1) announce(`${lost} workers were lost. Their tiles go to others.`);
  workers.value = [...present, ...left].sort((a, b) => a.since.localeCompare(b.since));
}
