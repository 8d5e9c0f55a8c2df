// Everything the queue has in Redis, read key by key, so that a test can check it without the code under
// test.
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
  done: string[];
  ancillary: string;
  dead: Fields;
  /** What an ended life still holds. */
  sweep: Fields;
  endedTiles: Fields;
  endedTokens: Fields;
  /** Bytes by tile, as text. */
  src: Fields;
  out: Fields;
  /** Keys that expire, and keys that stay, by the part of the name after the id. */
  expiring: string[];
  staying: string[];
}

export interface Snapshot {
  /** Jobs on the list, from the end where new ones are added to the end where they are claimed, without stale ones. */
  queue: string[];
  /** Entries of the list whose image has ended, or was started again. */
  stale: string[];
  /** Whether a part of the list is on the tidied list. */
  isParted: boolean;
  /** Sorted sets by member, hashes by field. */
  leases: Record<string, number>;
  claims: Fields;
  delayed: Record<string, number>;
  dead: Record<string, number>;
  outbox: Record<string, number>;
  notices: Record<string, number>;
  /** What each notice tells, by its name. */
  noticeRecords: Record<string, Fields>;
  admitted: Fields;
  senders: Fields;
  clients: Fields;
  totals: Fields;
  images: Record<string, number>;
  splits: Record<string, number>;
  sweeps: Record<string, number>;
  records: Record<string, number>;
  /** The same for each client. */
  recordsOf: Record<string, Record<string, number>>;
  byImage: Record<string, ImageSnapshot>;
  /** Keys that keys.ts has no name for, and staged results: there must be none between two commands. */
  strays: string[];
}

/** By the part of their key's name after the id. */
const HASHES = {
  meta: 'meta',
  tiles: 'tiles',
  attempts: 'attempts',
  tokens: 'tokens',
  acks: 'acks',
  dead: 'dead',
  sweep: 'sweep',
  'ended-tiles': 'endedTiles',
  'ended-tokens': 'endedTokens',
} as const;

/** Reads every key under `prefix`. */
export async function takeSnapshot(redis: Redis, prefix: string): Promise<Snapshot> {
  const names = queueKeys(prefix);
  const [tidied, untidied, leases, claims, delayed, dead, outbox] = await Promise.all([
    redis.lrange(names.tidied, 0, -1),
    redis.lrange(names.queue, 0, -1),
    scores(redis, names.leases),
    redis.hgetall(names.claims),
    scores(redis, names.delayed),
    scores(redis, names.dead),
    scores(redis, names.outbox),
  ]);
  const [notices, admitted, senders, clients, totals, images, splits, sweeps, records, keys] =
    await Promise.all([
      scores(redis, names.notices),
      redis.hgetall(names.admitted),
      redis.hgetall(names.senders),
      redis.hgetall(names.clients),
      redis.hgetall(names.totals),
      scores(redis, names.images),
      scores(redis, names.splits),
      scores(redis, names.sweeps),
      scores(redis, names.records),
      redis.keys(`${prefix}:*`),
    ]);
  const snapshot: Snapshot = {
    queue: [],
    stale: [],
    isParted: tidied.length > 0,
    leases,
    claims,
    delayed,
    dead,
    outbox,
    notices,
    noticeRecords: {},
    admitted,
    senders,
    clients,
    totals,
    images,
    splits,
    sweeps,
    records,
    recordsOf: {},
    byImage: {},
    strays: [],
  };
  const shared = new Set<string>(Object.values(names));
  const own = keys.filter((key) => !shared.has(key)).sort();
  await Promise.all(own.map((key) => readKey(redis, key, key.slice(prefix.length + 1), snapshot)));
  for (const entry of [...tidied, ...untidied]) {
    const [, job, id, life] = /^((\w+):\d+):(\d+)$/.exec(entry) ?? [];
    if (job !== undefined && snapshot.byImage[id]?.meta.life === life) snapshot.queue.push(job);
    else snapshot.stale.push(entry);
  }
  return snapshot;
}

async function readKey(redis: Redis, key: string, name: string, into: Snapshot): Promise<void> {
  const [, client] = /^records:(.+)$/.exec(name) ?? [];
  if (client === undefined) await readImageKey(redis, key, name, into);
  else into.recordsOf[client] = await scores(redis, key);
}

async function readImageKey(redis: Redis, key: string, name: string, into: Snapshot): Promise<void> {
  const match = /^([0-9a-f]{24}):(([a-z-]+)(?::(\d+))?)$/.exec(name);
  if (!match) {
    into.strays.push(key);
    return;
  }
  const [, id, part, kind, tile] = match;
  if (tile && kind === 'notice') {
    into.noticeRecords[`${id}:${tile}`] = await redis.hgetall(key);
    return;
  }
  const image = (into.byImage[id] ??= emptyImage());
  const ttlMs = redis.pttl(key);
  if (part in HASHES) image[HASHES[part as keyof typeof HASHES]] = await redis.hgetall(key);
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
    done: [],
    ancillary: '',
    dead: {},
    sweep: {},
    endedTiles: {},
    endedTokens: {},
    src: {},
    out: {},
    expiring: [],
    staying: [],
  };
}
