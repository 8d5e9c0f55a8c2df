// One run of the chaos demonstration: sends one image, kills all workers at once while tiles are in flight,
// and counts the result.
import { setTimeout as sleep } from 'node:timers/promises';
import { countsOf, countsScript, pendingWork, type QueueCounts } from '../functions/lib/queue/counts.ts';
import { imageKeys, queueKeys } from '../functions/lib/queue/keys.ts';
import type { ImageStatus } from '../local/split-client.ts';
import { Freeze } from './freeze.ts';
import { CannotRun, numberOf, type ChaosTarget, type Narrate, type QueueMode } from './target.ts';

/** How many workers were killed at once, with how many tiles in flight. */
export interface Kill {
  workers: number;
  inFlight: number;
}

export interface ChaosResult {
  queue: QueueMode;
  expected: number;
  processed: number;
  counts: QueueCounts;
  /** Tiles without a result. */
  missing: number[];
  isOutputPresent: boolean;
  kills: Kill[];
  ms: number;
}

export interface ChaosOptions {
  queue: QueueMode;
  image: Uint8Array<ArrayBuffer>;
  kernel: number;
  /** How often the workers are killed. */
  kills: number;
  /** Limit for each wait. */
  timeoutMs: number;
  /** A tile that is neither queued nor in flight counts as lost if nothing changes for this time. */
  settleMs: number;
  narrate: Narrate;
  signal: AbortSignal;
}

const LOOK_EVERY_MS = 50;

/** Blurs the image on `target` while killing its workers. Returns null if none of them died with a tile in flight. */
export async function runChaos(target: ChaosTarget, options: ChaosOptions): Promise<ChaosResult | null> {
  const { queue, image, kernel, timeoutMs, narrate, signal } = options;
  const startedAt = performance.now();
  await target.untilOthersLeft(signal);
  // A new name, because the same image with the same name would be the image of the run before.
  const name = `chaos-${queue}-${Date.now()}-${process.pid}.png`;
  narrate(`sending ${name}`);
  const sending = target.split
    .upload(name, image, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]), { kernel })
    .catch((error: Error) => {
      throw new CannotRun(`split did not accept the image: ${error.message}`, { cause: error });
    });
  sending.catch(() => {}); // Awaited below; writes may be paused until then.
  const id = await Promise.race([
    idInRedis(target, name, sending, signal),
    sending.then(({ id }) => id),
  ]).catch(async (error: unknown) => {
    const left = await imageNamed(target, name);
    if (left) await target.split.cancel(left).catch(() => {});
    throw error;
  });
  const freeze = new Freeze(target.redis, target.keyPrefix, id);
  let isDone = false;
  try {
    const kills = await killWorkers(target, freeze, options);
    const { tiles } = await sending;
    if (kills.length === 0) return null;
    narrate('waiting for the rest of the image');
    const state = await untilSettled(target, id, options);
    isDone = state === 'done';
    const finished = new Set(await target.redis('SMEMBERS', imageKeys(target.keyPrefix, id).done));
    const all = Array.from({ length: tiles }, (_, tile) => tile);
    const missing = isDone ? [] : all.filter((tile) => !finished.has(String(tile)));
    // A tile that died is lost, or its lease has expired. If neither happened, the killed workers had acked
    // all their tiles.
    const [reclaims] = await target.redis('HGET', imageKeys(target.keyPrefix, id).meta, 'reclaims');
    if (missing.length === 0 && !(Number(reclaims) > 0)) return null;
    return {
      queue,
      expected: tiles,
      processed: tiles - missing.length,
      counts: await countsIn(target),
      missing,
      isOutputPresent: await target.split.hasResult(id),
      kills,
      ms: Math.round(performance.now() - startedAt),
    };
  } finally {
    await freeze.release();
    // An image that lost tiles would keep its memory for ever.
    if (!isDone) await target.split.cancel(id).catch(() => {});
  }
}

/** Returns the image's id before split has answered, because its tiles are claimed while it is still being cut. */
async function idInRedis(
  target: ChaosTarget,
  name: string,
  sending: Promise<ImageStatus>,
  signal: AbortSignal,
): Promise<string> {
  const answered = new AbortController();
  sending.finally(() => answered.abort()).catch(() => {});
  while (!answered.signal.aborted) {
    const id = await imageNamed(target, name);
    if (id) return id;
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
  return (await sending).id;
}

/** Returns the id of the newest image if it has this name, otherwise null. */
async function imageNamed({ redis, keyPrefix }: ChaosTarget, name: string): Promise<string | null> {
  const [newest] = await redis('ZREVRANGE', queueKeys(keyPrefix).images, 0, 0);
  const [found] = newest ? await redis('HGET', imageKeys(keyPrefix, newest).meta, 'name') : [];
  return found === name ? newest : null;
}

/**
 * Kills all workers at once, as often as requested, each time while tiles are in flight. Fewer times if the
 * image is over before.
 */
async function killWorkers(
  target: ChaosTarget,
  freeze: Freeze,
  { kills, timeoutMs, narrate, signal }: ChaosOptions,
): Promise<Kill[]> {
  const done: Kill[] = [];
  const deadline = Date.now() + timeoutMs;
  narrate('waiting for tiles in flight');
  while (done.length < kills) {
    const workers = await target.countWorkers();
    const before = await freeze.look();
    // All workers have a tile, or too few tiles are left to wait for that.
    const held = await freeze.hold(
      (now) => now.inFlight >= workers || now.done - before.done >= now.expected / (2 * kills),
      deadline,
      signal,
    );
    if (!held) return done;
    narrate(`${held.inFlight} tiles in flight: pausing writes in Redis, killing the workers`);
    const victims = await target.killWorkers(() => freeze.prolong());
    if (victims === 0) {
      await freeze.release();
      narrate('no worker could be killed: this does not count');
      continue;
    }
    const inFlight = await freeze.releaseAfterKill(held);
    if (inFlight > 0) {
      narrate(`killed ${victims} workers with ${inFlight} tiles in flight`);
      done.push({ workers: victims, inFlight });
    } else {
      narrate('their results had reached Redis: this does not count');
    }
  }
  return done;
}

/** Waits until the image is over, or nothing of it changes any more, or until the deadline. Returns its state. */
async function untilSettled(target: ChaosTarget, id: string, options: ChaosOptions): Promise<string> {
  const { redis, keyPrefix } = target;
  const { meta, done } = imageKeys(keyPrefix, id);
  const deadline = Date.now() + options.timeoutMs;
  let movedAt = Date.now();
  for (let before = ''; ; await sleep(LOOK_EVERY_MS, undefined, { signal: options.signal })) {
    // The state comes first: counts of an ended image are final.
    const [state] = await redis('HGET', meta, 'state');
    const processed = numberOf(await redis('SCARD', done));
    const pending = pendingWork(await countsIn(target));
    const now = `${state} ${processed} ${pending}`;
    if (now !== before || pending > 0) movedAt = Date.now();
    const isOver = ['done', 'failed', 'cancelled', ''].includes(state);
    if (isOver || Date.now() - movedAt > options.settleMs || Date.now() > deadline) return state;
    before = now;
  }
}

async function countsIn({ redis, keyPrefix }: ChaosTarget): Promise<QueueCounts> {
  return countsOf(await redis('EVAL', countsScript, 1, keyPrefix, 0));
}
