// How an image's record looks to a caller.
import type { DeadTile, ImageRecord } from '../lib/queue/image-ledger.ts';

/** What `POST /` answers for an image it took in. */
export function acceptedView(record: ImageRecord) {
  const { id, name, width, height, tiles, state } = record;
  return { id, name, width, height, tiles, status: state };
}

/** How `GET /images` tells of each image. */
export function listedView(record: ImageRecord) {
  return { ...acceptedView(record), done: record.done };
}

/** What `GET /images/<id>` answers. Times are ISO 8601; `ms` is the time from the request to the result. */
export function statusView(record: ImageRecord, dead: DeadTile[]) {
  const { id, createdAt, blurredAt, endedAt, done, tiles } = record;
  return {
    ...acceptedView(record),
    kernel: record.kernelSize,
    tileSize: record.tileSizePx,
    done,
    progress: `${done}/${tiles}`,
    attempts: record.attempts,
    reclaims: record.reclaims,
    fenced: record.fenced,
    dead,
    announced: record.announced,
    error: record.error,
    createdAt: isoTime(createdAt),
    blurredAt: isoTime(blurredAt),
    endedAt: isoTime(endedAt),
    ms: endedAt === null ? null : endedAt - createdAt,
    output: record.output,
    result: record.state === 'done' ? `/images/${id}/result` : null,
  };
}

function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
