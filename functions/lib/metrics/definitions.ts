// Every metric of our own: its name and unit by Prometheus' rules, its meaning, and which function has it. The dashboard, the
// alerts and the table in docs/OPERATING.md are checked against this.
import type { Measures } from '../queue/measures.ts';
import type { Timed } from './measure.ts';

export type FunctionName = 'split' | 'blur' | 'assemble';

export interface Definition {
  name: string;
  help: string;
  labels?: readonly string[];
}

/** Each timing belongs to the function that measures it. Buckets are upper bounds in seconds. */
export const timings: Record<Timed, Definition & { of: FunctionName; buckets: readonly number[] }> = {
  split: {
    of: 'split',
    name: 'tessera_split_duration_seconds',
    help: 'How long it took to decode an image, cut it and put its tiles into Redis.',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  tile: {
    of: 'blur',
    name: 'tessera_tile_duration_seconds',
    help: 'How long a worker held a tile, from its claim to its ack.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
  },
  convolve: {
    of: 'blur',
    name: 'tessera_convolve_duration_seconds',
    help: 'How long the pixels of a tile took, without Redis.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
  },
  assemble: {
    of: 'assemble',
    name: 'tessera_assemble_duration_seconds',
    help: 'How long it took to join the tiles of an image and write its result.',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  image: {
    of: 'assemble',
    name: 'tessera_image_duration_seconds',
    help: 'How long an image took, from when it was started until its result was written.',
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600],
  },
};

/** Of every function. */
export const requests = {
  name: 'tessera_http_requests_total',
  help: 'Requests that were answered, or aborted by their caller. Health checks do not count.',
  labels: ['method', 'route', 'status'],
} as const;

export const buildInfo = {
  name: 'tessera_build_info',
  help: 'Always 1. The labels say which code is running.',
  labels: ['function', 'version', 'commit'],
} as const;

export const uploadsInFlight = {
  name: 'tessera_uploads_in_flight',
  help: 'Uploads that are being received or split by this pod.',
};

export const tilesInFlight = {
  name: 'tessera_tiles_in_flight',
  help: 'Tiles that this pod has claimed and not acked yet.',
};

export const redisUp = {
  name: 'tessera_redis_up',
  help: 'Whether this scrape could read Redis (1) or not (0). If not, what comes from Redis is missing.',
};

/** Split's gauges from Redis. `scale` turns what Redis has into the unit of the name. */
export const gauges: Partial<Record<keyof Measures, Definition & { scale?: number }>> = {
  outbox: {
    name: 'tessera_outbox_events',
    help: 'Blurred images whose event assemble has not accepted yet.',
  },
  oldestEventMs: {
    name: 'tessera_outbox_oldest_seconds',
    help: 'How long the oldest of these events has been waiting; 0 if there is none.',
    scale: 1 / 1000,
  },
  notices: {
    name: 'tessera_notices',
    help: 'Images that have ended whose receiver has not accepted the event yet.',
  },
  dead: { name: 'tessera_dead_letters', help: 'Tiles and events that were given up and can be tried again.' },
  admitted: {
    name: 'tessera_admitted_bytes',
    help: 'Redis memory that all images may hold, their results and records included.',
  },
  results: {
    name: 'tessera_results_bytes',
    help: 'The part of it that is results, which give way to new images.',
  },
};

export const budget = {
  name: 'tessera_budget_bytes',
  help: 'REDIS_BUDGET_BYTES: the most that all images may hold.',
};

/** Split's gauge of the tiles in progress. Tiles of ended images count as ready until they are skipped. */
export const queueTiles = {
  name: 'tessera_queue_tiles',
  help: 'Tiles that are ready to be claimed, leased by a worker, or delayed until their next attempt.',
  labels: ['state'],
  states: ['ready', 'leased', 'delayed'],
} as const;

/** Split's counters from Redis. They are kept when pods stop, and each change counts exactly once. */
export const totals: Partial<Record<keyof Measures, Definition>> = {
  lives: { name: 'tessera_images_begun_total', help: 'Images that were started, or started again.' },
  imagesDone: { name: 'tessera_images_done_total', help: 'Images whose result was written.' },
  imagesFailed: {
    name: 'tessera_images_failed_total',
    help: 'Times that an image failed. A failed image may be tried again.',
  },
  imagesCancelled: {
    name: 'tessera_images_cancelled_total',
    help: 'Images that were cancelled, or whose split died.',
  },
  imagesForgotten: {
    name: 'tessera_images_forgotten_total',
    help: 'Images that turned out to be damaged, or had no room, while they were split.',
  },
  tilesDone: { name: 'tessera_tiles_done_total', help: 'Tiles that were acked.' },
  tilesRetried: {
    name: 'tessera_tiles_retried_total',
    help: 'Attempts that ended without a result and were followed by another one.',
  },
  tilesReclaimed: {
    name: 'tessera_tiles_reclaimed_total',
    help: 'Leases that expired, because a worker died or was too slow.',
  },
  tilesReleased: { name: 'tessera_tiles_released_total', help: 'Tiles that a stopping worker gave back.' },
  tilesFenced: {
    name: 'tessera_tiles_fenced_total',
    help: 'Results that came too late, because another worker had the tile by then.',
  },
  tilesDead: { name: 'tessera_tiles_dead_total', help: 'Tiles that became dead letters.' },
  eventsGivenUp: {
    name: 'tessera_events_given_up_total',
    help: 'Events that assemble did not accept in MAX_ANNOUNCEMENTS attempts.',
  },
  uploadBytes: {
    name: 'tessera_upload_bytes_total',
    help: 'Bytes of the files of all images that were started.',
  },
  resultBytes: { name: 'tessera_result_bytes_total', help: 'Bytes of all results that were written.' },
};

/** Returns all metrics of a function that are our own. */
export function definitionsOf(of: FunctionName): Definition[] {
  const common = [buildInfo, requests, ...Object.values(timings).filter((each) => each.of === of)];
  if (of === 'assemble') return common;
  if (of === 'blur') return [...common, tilesInFlight];
  const ofQueue = [redisUp, budget, queueTiles, ...Object.values(gauges), ...Object.values(totals)];
  return [...common, uploadsInFlight, ...ofQueue];
}
