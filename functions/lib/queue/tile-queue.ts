// What a worker needs from a queue of tiles. LeaseQueue delivers at least once; NaiveQueue, the baseline, at
// most once.
import type { Job } from '../job.ts';

/** A claimed tile, in flight. */
export interface Claim {
  job: Job;
  /** Identifies this claim. A later claim of the same tile has another token. */
  token: string;
  /** 1 for the first attempt. */
  attempt: number;
  /** The tile's source pixels, RGB or RGBA; null if they are gone. */
  source: Uint8Array | null;
  /** The image's size and how it is cut, in pixels. */
  width: number;
  height: number;
  tileSizePx: number;
  /** The filter to apply: lib/filters/recipe.ts. */
  recipe: string;
  /** The image's `trace`; '' if it is not traced. */
  trace: string;
}

/** `last`: acked, and it was the image's last tile. `again`, `stale` and `cancelled` changed nothing. */
export type AckAnswer = 'acked' | 'last' | 'again' | 'stale' | 'cancelled';

export interface TileQueue {
  /** Returns the next tile, or null if none is ready now. */
  claim(): Promise<Claim | null>;
  /** Resolves when a tile may be ready, or after `timeoutMs`. */
  wait(timeoutMs: number): Promise<void>;
  /** Extends the claim's lease. `stale`: another claim has the tile, or none. */
  extend(claim: Claim): Promise<'extended' | 'stale'>;
  /** Stores the blurred core. When it resolves, the result is in Redis. */
  ack(claim: Claim, core: Uint8Array): Promise<AckAnswer>;
  /** Ends a failed attempt: the tile is tried again later, or becomes a dead letter. */
  fail(claim: Claim, reason: string): Promise<'delayed' | 'dead' | 'stale'>;
  /** Gives the tile back as if it had not been claimed. */
  release(claim: Claim): Promise<'released' | 'stale'>;
  /** Ends a claim that waits for a tile, and starts no other. A tile that was already taken is still returned. */
  stopClaiming(): Promise<void>;
  /** Closes the connections that the queue opened itself. */
  close(): Promise<void>;
}

/** Returns milliseconds since the epoch. Without a clock, the scripts use the Redis server's. */
export type Clock = () => number;
