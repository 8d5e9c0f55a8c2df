// From zero: a picture is sent while no function runs, as on a cluster. split and assemble start with a request for
// them, and blur with a poll of the queue once a second, like KEDA's. Every part of the time is shown.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { imageKeys, queueKeys } from '../functions/lib/queue/keys.ts';
import { photoPng } from '../functions/testing/photo.ts';
import { FunctionProcess } from '../local/function-process.ts';
import { RedisServer } from '../local/redis-server.ts';
import { Scaler } from '../local/scaler.ts';
import { SplitClient } from '../local/split-client.ts';
import { buildIfStale } from '../scripts/build.ts';
import { Activator } from './lib/activator.ts';
import { median, table } from './lib/measure.ts';

const MEGAPIXELS = 2;
const POLL_MS = 1000;
const LIMIT_MS = 60_000;
const PREFIX = 'image';

/** Consecutive parts of the time, in ms. */
const parts = {
  split: 'split starts',
  begin: 'the image is received and its first tile is queued',
  poll: 'the poll notices it',
  blur: 'blur starts and claims its first tile',
  tiles: 'the tiles are blurred',
  assemble: 'assemble gets the event, and starts unless it runs',
  write: 'the PNG is written',
};

type Part = keyof typeof parts;

export interface FromZeroRow {
  /** Whether split wakes assemble when the image begins. */
  isAssembleWoken: boolean;
  totalMs: number;
  /** The longest of all rounds. */
  worstMs: number;
  parts: Record<Part, number>;
  /** How long assemble takes from its first request until it can serve. */
  assembleStartMs: number;
}

export interface FromZeroResults {
  rounds: number;
  megapixels: number;
  pollMs: number;
  rows: FromZeroRow[];
}

interface Round {
  totalMs: number;
  parts: Record<Part, number>;
  assembleStartMs: number;
}

export async function benchFromZero({ rounds = 9 } = {}): Promise<FromZeroResults> {
  await buildIfStale();
  const png = await photoPng(MEGAPIXELS);
  const measured = new Map<boolean, Round[]>([
    [true, []],
    [false, []],
  ]);
  for (let round = 0; round < rounds; round++) {
    // The rounds are spread evenly, because a picture may arrive at any moment between two polls.
    const pollInMs = (POLL_MS * (round + 0.5)) / rounds;
    for (const [isAssembleWoken, all] of measured)
      all.push(await sendFromZero(png, pollInMs, isAssembleWoken));
  }
  const rows = [...measured].map(([isAssembleWoken, all]) => rowOf(isAssembleWoken, all));
  const results = { rounds, megapixels: MEGAPIXELS, pollMs: POLL_MS, rows };
  print(results);
  return results;
}

/** Sends a picture `pollInMs` before the next poll, with no function running. */
async function sendFromZero(png: Uint8Array, pollInMs: number, isAssembleWoken: boolean): Promise<Round> {
  const server = await RedisServer.start();
  const folder = await mkdtemp(join(tmpdir(), 'tessera-from-zero-'));
  const redis = server.connect();
  const env = { REDIS_URL: server.url, STORE: 'file', OUTPUT_PATH: folder, LOG_LEVEL: 'error' };
  const assemble = await Activator.listen('assemble', env);
  const split = await Activator.listen('split', {
    ...env,
    ASSEMBLE_URL: isAssembleWoken ? assemble.url : 'none',
  });
  let blurAt: number | null = null;
  const scaler = new Scaler({
    redis,
    keyPrefix: PREFIX,
    target: 8,
    max: 4,
    cooldownMs: LIMIT_MS,
    pollMs: POLL_MS,
    spawn: () => {
      blurAt ??= performance.now();
      return new FunctionProcess('blur', { env: { ...env, K_SINK: assemble.url } });
    },
  });
  try {
    scaler.start();
    await sleep(POLL_MS - pollInMs);
    const sentAt = performance.now();
    const accepted = new SplitClient(split.url).upload('picture.png', png);
    const seen = await watch(
      redis,
      accepted.then(({ id }) => id),
    );
    const moments = [
      sentAt,
      split.readyAt,
      seen.queuedAt,
      blurAt,
      seen.claimedAt,
      assemble.postedAt,
      Math.max(assemble.postedAt ?? NaN, assemble.readyAt ?? NaN),
      seen.doneAt,
    ].map((moment) => moment ?? NaN);
    return {
      totalMs: seen.doneAt - sentAt,
      parts: Object.fromEntries(
        Object.keys(parts).map((part, at) => [part, moments[at + 1] - moments[at]]),
      ) as Record<Part, number>,
      assembleStartMs: (assemble.readyAt ?? NaN) - (assemble.calledAt ?? NaN),
    };
  } finally {
    await scaler.kill();
    await Promise.all([split.stop(), assemble.stop()]);
    redis.disconnect();
    await server.stop();
    await rm(folder, { recursive: true });
  }
}

/** Looks at Redis until the image is done. Returns when its first tile was queued and claimed, and when it was done. */
async function watch(redis: Redis, accepted: Promise<string>) {
  const { queue, leases } = queueKeys(PREFIX);
  const signal = AbortSignal.timeout(LIMIT_MS);
  let id: string | null = null;
  void accepted.then((known) => (id = known));
  let queuedAt: number | null = null;
  let claimedAt: number | null = null;
  for (;;) {
    signal.throwIfAborted();
    const [queued, leased] = await Promise.all([redis.llen(queue), redis.zcard(leases)]);
    if (queued + leased > 0) queuedAt ??= performance.now();
    if (leased > 0) claimedAt ??= performance.now();
    const state = id === null ? null : await redis.hget(imageKeys(PREFIX, id).meta, 'state');
    if (state === 'done') return { queuedAt, claimedAt, doneAt: performance.now() };
    await sleep(2);
  }
}

function rowOf(isAssembleWoken: boolean, rounds: Round[]): FromZeroRow {
  const totals = rounds.map(({ totalMs }) => totalMs);
  const ofPart = (part: Part) => median(rounds.map((round) => round.parts[part]));
  return {
    isAssembleWoken,
    totalMs: median(totals),
    worstMs: Math.max(...totals),
    parts: Object.fromEntries((Object.keys(parts) as Part[]).map((part) => [part, ofPart(part)])) as Record<
      Part,
      number
    >,
    assembleStartMs: median(rounds.map((round) => round.assembleStartMs)),
  };
}

function print({ rounds, megapixels, pollMs, rows }: FromZeroResults): void {
  console.log(
    `\nFrom zero: a PNG of ${megapixels} Mpx, a poll every ${pollMs} ms, medians of ${rounds} rounds, ms`,
  );
  const line = (name: string, value: (row: FromZeroRow) => number) => [
    name,
    ...rows.map((row) => value(row).toFixed(0)),
  ];
  console.log(
    table([
      ['', ...rows.map((row) => (row.isAssembleWoken ? 'assemble is woken' : 'assemble is not woken'))],
      ...(Object.entries(parts) as [Part, string][]).map(([part, name]) =>
        line(name, (row) => row.parts[part]),
      ),
      line('in all', (row) => row.totalMs),
      line('the longest', (row) => row.worstMs),
      line('(the start of assemble itself)', (row) => row.assembleStartMs),
    ]),
  );
}
