// Everything the queue has in Redis, read key by key, so that a test can look at it without asking the code under test.
import type { Redis } from 'ioredis';
import { queueKeys } from '../../functions/lib/queue/keys.ts';

type Fields = Record<string, string>;

/** What one image has in Redis. */
export interface ImageSnapshot {
  meta: Fields;
  tiles: Fields;
  attempts: Fields;
  tokens: Fields;
  acks: Fields;
  errors: Fields;
  done: string[];
  ancillary: string;
  /** Bytes by tile, as text. */
  src: Fields;
  out: Fields;
  /** Keys that expire, and keys that stay, by the part of the name after the id. */
  expiring: string[];
  staying: string[];
}

export interface Snapshot {
  /** From the end new tiles come in at to the end they are claimed from. */
  queue: string[];
  /** Sorted sets by member, hashes by field. */
  leases: Record<string, number>;
  claims: Fields;
  delayed: Record<string, number>;
  dead: Record<string, number>;
  outbox: Record<string, number>;
  admitted: Fields;
  totals: Fields;
  images: Record<string, number>;
  byImage: Record<string, ImageSnapshot>;
  /** Keys that keys.ts has no name for, and staged results: there must be none between two commands. */
  strays: string[];
}

const HASHES = ['meta', 'tiles', 'attempts', 'tokens', 'acks', 'errors'] as const;

/** Reads every key under `prefix`. */
export async function takeSnapshot(redis: Redis, prefix: string): Promise<Snapshot> {
  const names = queueKeys(prefix);
  const [queue, leases, claims, delayed, dead, outbox, admitted, totals, images, keys] = await Promise.all([
    redis.lrange(names.queue, 0, -1),
    scores(redis, names.leases),
    redis.hgetall(names.claims),
    scores(redis, names.delayed),
    scores(redis, names.dead),
    scores(redis, names.outbox),
    redis.hgetall(names.admitted),
    redis.hgetall(names.totals),
    scores(redis, names.images),
    redis.keys(`${prefix}:*`),
  ]);
  const snapshot: Snapshot = {
    queue,
    leases,
    claims,
    delayed,
    dead,
    outbox,
    admitted,
    totals,
    images,
    byImage: {},
    strays: [],
  };
  const shared = new Set<string>(Object.values(names));
  const own = keys.filter((key) => !shared.has(key)).sort();
  await Promise.all(own.map((key) => readImageKey(redis, key, key.slice(prefix.length + 1), snapshot)));
  return snapshot;
}

async function readImageKey(redis: Redis, key: string, name: string, into: Snapshot): Promise<void> {
  const match = /^([0-9a-f]{24}):(([a-z]+)(?::(\d+))?)$/.exec(name);
  if (!match) {
    into.strays.push(key);
    return;
  }
  const [, id, part, kind, tile] = match;
  const image = (into.byImage[id] ??= emptyImage());
  const ttlMs = redis.pttl(key);
  const hash = HASHES.find((each) => each === part);
  if (hash) image[hash] = await redis.hgetall(key);
  else if (part === 'done') image.done = (await redis.smembers(key)).sort();
  else if (part === 'ancillary') image.ancillary = (await redis.get(key)) ?? '';
  else if (tile && (kind === 'src' || kind === 'out')) image[kind][tile] = (await redis.get(key)) ?? '';
  else into.strays.push(key);
  ((await ttlMs) === -1 ? image.staying : image.expiring).push(part);
}

async function scores(redis: Redis, key: string): Promise<Record<string, number>> {
  const flat = await redis.zrange(key, '0', '-1', 'WITHSCORES');
  const pairs: [string, number][] = [];
  for (let at = 0; at < flat.length; at += 2) pairs.push([flat[at], Number(flat[at + 1])]);
  return Object.fromEntries(pairs);
}

function emptyImage(): ImageSnapshot {
  return {
    meta: {},
    tiles: {},
    attempts: {},
    tokens: {},
    acks: {},
    errors: {},
    done: [],
    ancillary: '',
    src: {},
    out: {},
    expiring: [],
    staying: [],
  };
}
