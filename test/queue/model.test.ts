// The queue compared with its model: long random histories on a real Redis, with everything checked after
// every step. MODEL_RUNS: how many histories. MODEL_SEED: which ones; `random` for new ones.
// MODEL_SHRINK=off: a failure is reported at once, without shrinking it.
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import * as images from './image-commands.ts';
import type { Command, Real } from './model-step.ts';
import { QueueModel } from './queue-model.ts';
import { useRig } from './rig.ts';
import * as workers from './worker-commands.ts';

const { MODEL_RUNS = '150', MODEL_SEED = '1', MODEL_SHRINK = 'on' } = process.env;
const MAX_COMMANDS = 150;

const on = useRig({ doneSink: 'http://receiver.example' });

/** How often each command is drawn, relative to the others. */
const weights: [weight: number, command: fc.Arbitrary<Command>][] = [
  [3, images.begin],
  [3, images.enqueue],
  [4, images.enqueueAll],
  [10, workers.claim],
  [2, workers.claimAgain],
  [2, workers.extend],
  [10, workers.ack],
  [4, workers.fail],
  [2, workers.wearOut],
  [2, workers.work],
  [2, workers.release],
  [3, images.due],
  [2, images.nextNotice],
  [2, images.retryNotice],
  [1, images.closeNotice],
  [4, images.finish],
  [1, images.noteFault],
  [1, images.cancel],
  [2, images.drop],
  [1, images.forget],
  [3, images.sweep],
  [2, images.tidy],
  [3, images.requeue],
  [6, images.wait],
  [3, images.expire],
  [1, images.forgetScripts],
];

/** What every set of runs must reach; otherwise it has not tested the queue. */
const reached = [
  ...['begun', 'splitting', 'blurring', 'blurred', 'done', 'over-budget', 'over-share'].map(
    (each) => `begin: ${each}`,
  ),
  ...['enqueued', 'last', 'known', 'over'].map((each) => `enqueue: ${each}`),
  ...['something', 'null'].flatMap((each) => [`claim: ${each}`, `claim again: ${each}`, `due: ${each}`]),
  ...['extended', 'stale'].map((each) => `extend: ${each}`),
  ...['acked', 'last', 'again', 'stale', 'cancelled'].map((each) => `ack: ${each}`),
  ...['delayed', 'stale'].map((each) => `fail: ${each}`),
  ...['released', 'stale'].map((each) => `release: ${each}`),
  ...['finished', 'again', 'over'].map((each) => `finish: ${each}`),
  ...['cancelled', 'done', 'null'].map((each) => `cancel: ${each}`),
  ...['dropped', 'splitting', 'blurring', 'null'].map((each) => `drop: ${each}`),
  ...['requeued', 'gone'].map((each) => `requeue: ${each}`),
  'wear out: dead',
  'due: given up',
  ...['something', 'null', 'given up'].map((each) => `next notice: ${each}`),
  ...['retried', 'over'].map((each) => `retry notice: ${each}`),
  'close notice: undefined',
  'note fault: undefined',
  'forget: undefined',
  'sweep: undefined',
  'expire: undefined',
  'SCRIPT FLUSH: undefined',
  'a life that is being swept',
  'a list that is being tidied',
];

const TIMEOUT_MS = 60_000 + 1000 * Number(MODEL_RUNS);

test(
  'returns and stores the same as the model, and keeps every invariant, in any history',
  { timeout: TIMEOUT_MS },
  async () => {
    const real: Real = { rig: on.rig, seen: new Set(), jitter: { next: 0 } };
    const random = vi.spyOn(Math, 'random').mockImplementation(() => real.jitter.next);
    const histories = fc.commands(
      weights.flatMap(([weight, each]) => Array.from({ length: weight }, () => each)),
      { maxCommands: MAX_COMMANDS, size: 'max' },
    );
    const holds = fc.asyncProperty(histories, async (history) => {
      await on.rig.reset();
      await fc.asyncModelRun(() => ({ model: new QueueModel(), real }), history);
    });
    try {
      await fc.assert(holds, {
        numRuns: Number(MODEL_RUNS),
        seed: MODEL_SEED === 'random' ? Date.now() : Number(MODEL_SEED),
        endOnFailure: MODEL_SHRINK === 'off',
      });
    } finally {
      random.mockRestore();
    }
    expect([...real.seen]).toEqual(expect.arrayContaining(reached));
  },
);
