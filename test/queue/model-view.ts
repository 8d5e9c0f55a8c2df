// The model and the content of Redis in the same form, so that a difference is readable.
import { COUNTERS } from '../../functions/lib/queue/measures.ts';
import { isSwept } from './invariants.ts';
import type { ImageModel, Place } from './image-model.ts';
import type { QueueModel } from './queue-model.ts';
import { sourceOf } from './rig.ts';
import type { ImageSnapshot, Snapshot } from './snapshot.ts';

interface TileView {
  state: string;
  attempts: number;
  error: string | null;
  source: string | null;
  result: string | null;
  ackedBy: string | null;
}

interface ImageView {
  fields: Record<string, string | number | null>;
  /** Whether nothing of it is in progress any more, so that it is removed after a while. */
  isSettled: boolean;
  tiles: Record<string, TileView>;
}

interface NoticeView {
  due: number;
  sent: number;
  state: string;
}

export interface View {
  queue: string[];
  /** Job → when its lease expires, when it is due, when it died; image → next event, bytes held, begun. */
  leases: Record<string, number>;
  claims: Record<string, string>;
  delayed: Record<string, number>;
  dead: Record<string, number>;
  outbox: Record<string, number>;
  /** When each notice is sent next, and how often it was sent. */
  notices: Record<string, NoticeView>;
  admitted: Record<string, number>;
  senders: Record<string, string>;
  records: Record<string, number>;
  index: Record<string, number>;
  splits: Record<string, number>;
  images: Record<string, ImageView>;
  /** The counters that never go back. */
  counters: Record<string, number>;
}

const IMAGE_COUNTERS = ['attempts', 'reclaims', 'fenced', 'announced', 'createdAt'] as const;
const TIMES = ['blurredAt', 'endedAt'] as const;
const TEXTS = ['state', 'error', 'output'] as const;

/** Returns what should be in Redis. */
export function viewOfModel(model: QueueModel): View {
  const placed = [...model.images].flatMap(([id, image]) =>
    [...image.tiles].map(([tile, { place }]): [string, Place] => [`${id}:${tile}`, place]),
  );
  const placedWith = <T>(of: (place: Place) => T | undefined): Record<string, T> =>
    Object.fromEntries(
      placed.map(([job, place]) => [job, of(place)]).filter(([, value]) => value !== undefined),
    );
  const tokens = placedWith((place) => (place.in === 'leased' ? place.token : undefined));
  return {
    queue: model.queue,
    leases: placedWith((place) => (place.in === 'leased' ? place.until : undefined)),
    claims: Object.fromEntries(Object.entries(tokens).map(([job, token]) => [token, job])),
    delayed: placedWith((place) => (place.in === 'delayed' ? place.due : undefined)),
    dead: Object.fromEntries(model.dead),
    outbox: Object.fromEntries(
      [...model.images]
        .map(([id, image]): [string, number | null] => [id, image.nextEvent])
        .filter((each): each is [string, number] => each[1] !== null),
    ),
    notices: Object.fromEntries(model.notices),
    admitted: Object.fromEntries(model.admitted),
    senders: Object.fromEntries(model.senders),
    records: Object.fromEntries(model.records),
    index: Object.fromEntries(model.index),
    splits: Object.fromEntries(
      [...model.images]
        .filter(([, image]) => image.isIncomplete)
        .map(([id, image]): [string, number] => [id, image.touchedAt]),
    ),
    images: Object.fromEntries([...model.images].map(([id, image]) => [id, viewOfImageModel(id, image)])),
    counters: model.counters,
  };
}

function viewOfImageModel(id: string, image: ImageModel): ImageView {
  const same = [...IMAGE_COUNTERS, ...TIMES, ...TEXTS].map((name) => [name, image[name]]);
  const tiles = [...image.tiles].map(([number, { place, attempts, error }]): [number, TileView] => [
    number,
    {
      state: place.in,
      attempts,
      error,
      source: place.in === 'done' ? null : String(sourceOf(id, number)),
      result: place.in === 'done' ? place.core : null,
      ackedBy: place.in === 'done' ? place.by : null,
    },
  ]);
  return {
    fields: { tileCount: image.tileCount, ...Object.fromEntries(same) },
    isSettled: image.isSettled,
    tiles: Object.fromEntries(tiles),
  };
}

/** Returns what is in Redis, without what ended lives still hold until they are swept. */
export function viewOfSnapshot({ byImage, ...shared }: Snapshot): View {
  const isLive = (job: string) => !isSwept(byImage[job.split(':')[0]]);
  /** What an image may hold after it was swept. */
  const keptOf = (id: string) => (isSwept(byImage[id]) ? Number(byImage[id].sweep.kept) : undefined);
  const isKept = (id: string) => keptOf(id) !== 0;
  const live = <T>(jobs: Record<string, T>) => pick(jobs, (job) => isLive(job));
  const records = Object.entries(byImage).filter(([, image]) => 'state' in image.meta);
  return {
    queue: shared.queue,
    leases: live(shared.leases),
    claims: pick(shared.claims, (_, job) => isLive(job)),
    delayed: live(shared.delayed),
    dead: live(shared.dead),
    outbox: shared.outbox,
    notices: Object.fromEntries(
      Object.entries(shared.notices).map(([notice, due]) => {
        const { noticed = 0, state } = shared.noticeRecords[notice];
        return [notice, { due, sent: Number(noticed), state }];
      }),
    ),
    index: shared.images,
    splits: shared.splits,
    admitted: Object.fromEntries(
      Object.entries(pick(shared.admitted, isKept)).map(([id, bytes]) => [id, keptOf(id) ?? Number(bytes)]),
    ),
    senders: pick(shared.senders, isKept),
    records: shared.records,
    images: Object.fromEntries(
      records.map(([id, image]) => [id, viewOfImageKeys(image, id in shared.sweeps)]),
    ),
    counters: Object.fromEntries(COUNTERS.map((name) => [name, Number(shared.totals[name] ?? 0)])),
  };
}

function pick<T>(from: Record<string, T>, isWanted: (key: string, value: T) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(from).filter(([key, value]) => isWanted(key, value)));
}

function viewOfImageKeys(image: ImageSnapshot, isToBeSwept: boolean): ImageView {
  const { meta, tiles, attempts, dead, src, out, acks } = image;
  const fields = {
    tileCount: Number(meta.tiles),
    ...Object.fromEntries(IMAGE_COUNTERS.map((name) => [name, Number(meta[name] ?? 0)])),
    ...Object.fromEntries(TIMES.map((name) => [name, name in meta ? Number(meta[name]) : null])),
    ...Object.fromEntries(TEXTS.map((name) => [name, meta[name] ?? null])),
  };
  const views = Object.keys(tiles).map((tile): [string, TileView] => [
    tile,
    {
      state: tiles[tile],
      attempts: Number(attempts[tile] ?? 0),
      error: dead[tile] ?? null,
      source: src[tile] ?? null,
      result: out[tile] ?? null,
      ackedBy: acks[tile] ?? null,
    },
  ]);
  const isSettled = image.expiring.includes('meta') || isToBeSwept;
  return { fields, isSettled, tiles: Object.fromEntries(views) };
}
