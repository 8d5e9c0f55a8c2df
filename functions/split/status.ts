// What a caller sees of an image's record, of its tiles, and of the queue.
import type { Problem } from '../lib/errors.ts';
import { parametersOf } from '../lib/filters/recipe.ts';
import { DEFAULT_FILTER } from '../lib/filters/registry.ts';
import type { QueueCounts } from '../lib/queue/counts.ts';
import type { DeadLetter } from '../lib/queue/dead-letters.ts';
import type { DeadTile } from '../lib/queue/image-reader.ts';
import type { ImageRecord, ImageState } from '../lib/queue/image-record.ts';
import { formatParameters, PNG } from '../lib/image/format.ts';
import { columnsOf, rowsOf, tileGrid } from '../lib/image/tile-grid.ts';
import type { Worker } from '../lib/queue/workers.ts';

/** Returns the answer of `POST /` for an accepted image. */
export function acceptedView(record: ImageRecord) {
  const { id, name, width, height, tiles, state } = record;
  return { id, name, width, height, tiles, status: state };
}

/** Returns the entry for an image in `GET /images`. */
export function listedView(record: ImageRecord) {
  return { ...acceptedView(record), done: record.done };
}

/**
 * Returns the answer of `GET /images/<id>`. Times are ISO 8601; `ms` is the time from the request to the
 * result. `missing` says why the result of a done image is gone.
 */
export function statusView(record: ImageRecord, dead: DeadTile[], missing: Problem | null) {
  const { id, createdAt, blurredAt, endedAt, done, tiles } = record;
  const hasResult = record.state === 'done' && missing === null;
  return {
    ...acceptedView(record),
    filter: DEFAULT_FILTER,
    ...parametersOf(record.recipe),
    format: PNG,
    ...formatParameters(record.format),
    tileSize: record.tileSizePx,
    done,
    progress: `${done}/${tiles}`,
    attempts: record.attempts,
    reclaims: record.reclaims,
    fenced: record.fenced,
    dead,
    announced: record.announced,
    error: missing?.message ?? record.error,
    createdAt: isoTime(createdAt),
    blurredAt: isoTime(blurredAt),
    endedAt: isoTime(endedAt),
    ms: endedAt === null ? null : endedAt - createdAt,
    output: hasResult ? record.output : null,
    result: hasResult ? `/images/${id}/result` : null,
  };
}

/** Returns the answer of `GET /images/<id>/tiles`. The tiles are listed row by row. */
export function tilesView(
  { id, width, height, tileSizePx }: ImageRecord,
  { state, characters }: { state: ImageState; characters: string },
) {
  const grid = tileGrid(width, height, tileSizePx);
  return { id, columns: columnsOf(grid), rows: rowsOf(grid), status: state, tiles: characters };
}

/** Returns the answer of `GET /queue`. */
export function queueView(
  counts: QueueCounts,
  totals: { begun: number; admittedBytes: number; budgetBytes: number },
  { now, workers }: { now: number; workers: Worker[] },
) {
  return {
    time: isoTime(now),
    queued: counts.queue,
    inFlight: counts.leases,
    delayed: counts.delayed,
    outbox: counts.outbox,
    dead: counts.dead,
    images: counts.inProgress,
    ...totals,
    workers: workers.map(({ id, since, seen, inFlight, done, state }) => ({
      id,
      since: isoTime(since),
      seen: isoTime(seen),
      inFlight,
      done,
      state,
    })),
  };
}

/** Returns the entry for a dead letter in `GET /dead-letters`. */
export function deadLetterView({ imageId, tile, reason, at, record }: DeadLetter & { record: ImageRecord }) {
  return { id: imageId, name: record.name, tile, reason: reason ?? '', since: isoTime(at) };
}

function isoTime(ms: number): string;
function isoTime(ms: number | null): string | null;
function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
