// What a caller sees of an image's record.
import type { Problem } from '../lib/errors.ts';
import { parametersOf } from '../lib/filters/recipe.ts';
import { DEFAULT_FILTER } from '../lib/filters/registry.ts';
import type { DeadTile, ImageRecord } from '../lib/queue/image-ledger.ts';

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

function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
