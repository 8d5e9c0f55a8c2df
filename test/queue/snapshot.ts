// Everything the queue has in Redis, read key by key, so that a test can check it without the code under
// test.
import type { Redis } from 'ioredis';
import { queueKeys } from '../../functions/lib/queue/keys.ts';
import { Reads } from './reads.ts';

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

const SORTED_SETS = [
  'leases',
  'delayed',
  'dead',
  'outbox',
  'notices',
  'images',
  'splits',
  'sweeps',
  'records',
] as const;
const SHARED_HASHES = ['claims', 'admitted', 'senders', 'clients', 'totals'] as const;

/** Reads every key under `prefix`. */
export async function takeSnapshot(redis: Redis, prefix: string): Promise<Snapshot> {
  const names = queueKeys(prefix);
  const snapshot = emptySnapshot();
  let [keys, tidied, untidied]: string[][] = [[], [], []];
  const shared = new Reads(redis);
  shared.keys(`${prefix}:*`, (found) => (keys = found));
  shared.list(names.tidied, (entries) => (tidied = entries));
  shared.list(names.queue, (entries) => (untidied = entries));
  for (const each of SORTED_SETS) shared.scores(names[each], (scores) => (snapshot[each] = scores));
  for (const each of SHARED_HASHES) shared.hash(names[each], (fields) => (snapshot[each] = fields));
  await shared.send();

  const known = new Set<string>(Object.values(names));
  const own = new Reads(redis);
  for (const key of keys.filter((each) => !known.has(each)).sort()) {
    readKey(own, key, key.slice(prefix.length + 1), snapshot);
  }
  await own.send();

  snapshot.isParted = tidied.length > 0;
  for (const entry of [...tidied, ...untidied]) {
    const [, job, id, life] = /^((\w+):\d+):(\d+)$/.exec(entry) ?? [];
    if (job !== undefined && snapshot.byImage[id]?.meta.life === life) snapshot.queue.push(job);
    else snapshot.stale.push(entry);
  }
  return snapshot;
}

function readKey(reads: Reads, key: string, name: string, into: Snapshot): void {
  const [, client] = /^records:(.+)$/.exec(name) ?? [];
  if (client === undefined) readImageKey(reads, key, name, into);
  else reads.scores(key, (scores) => (into.recordsOf[client] = scores));
}

function readImageKey(reads: Reads, key: string, name: string, into: Snapshot): void {
  const match = /^([0-9a-f]{24}):(([a-z-]+)(?::(\d+))?)$/.exec(name);
  if (!match) {
    into.strays.push(key);
    return;
  }
  const [, id, part, kind, tile] = match;
  if (tile && kind === 'notice') {
    reads.hash(key, (fields) => (into.noticeRecords[`${id}:${tile}`] = fields));
    return;
  }
  const image = (into.byImage[id] ??= emptyImage());
  if (part in HASHES) {
    reads.hash(key, (fields) => (image[HASHES[part as keyof typeof HASHES]] = fields));
  } else if (part === 'done') reads.members(key, (members) => (image.done = members.sort()));
  else if (part === 'ancillary') reads.text(key, (text) => (image.ancillary = text));
  else if (tile && (kind === 'src' || kind === 'out')) reads.text(key, (text) => (image[kind][tile] = text));
  else into.strays.push(key);
  reads.ttlMs(key, (ms) => (ms === -1 ? image.staying : image.expiring).push(part));
}

function emptySnapshot(): Snapshot {
  return {
    queue: [],
    stale: [],
    isParted: false,
    leases: {},
    claims: {},
    delayed: {},
    dead: {},
    outbox: {},
    notices: {},
    noticeRecords: {},
    admitted: {},
    senders: {},
    clients: {},
    totals: {},
    images: {},
    splits: {},
    sweeps: {},
    records: {},
    recordsOf: {},
    byImage: {},
    strays: [],
  };
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
