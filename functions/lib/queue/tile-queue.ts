// What a worker needs of a queue of tiles. Two queues keep this promise: LeaseQueue (at least once) and NaiveQueue
// (at most once, the baseline it is compared with).
import type { Job } from '../job.ts';

/** One tile in a worker's hands. */
export interface Claim {
  job: Job;
  /** Proof of this claim; a later claim of the same tile has another. */
  token: string;
  /** 1 for the first attempt. */
  attempt: number;
  /** The tile's source pixels, RGB or RGBA; null when they are gone. */
  source: Uint8Array | null;
  /** The image's size and how it is cut, in pixels. */
  width: number;
  height: number;
  tileSizePx: number;
  /** What to make of it: lib/filters/recipe.ts. */
  recipe: string;
}

/** `last`: acked, and it was the image's last tile. The others changed nothing. */
export type AckAnswer = 'acked' | 'last' | 'again' | 'stale' | 'cancelled';

export interface TileQueue {
  /** The next tile, or null when none is ready now. */
  claim(): Promise<Claim | null>;
  /** Resolves once a tile may be ready, after `timeoutMs` in any case. */
  wait(timeoutMs: number): Promise<void>;
  /** Prolongs the claim's lease. `stale`: the tile is no longer this claim's. */
  extend(claim: Claim): Promise<'extended' | 'stale'>;
  /** Hands in the blurred core. Once it resolves, the result is in Redis. */
  ack(claim: Claim, core: Uint8Array): Promise<AckAnswer>;
  /** Ends a failed attempt: the tile is tried again later, or given up. */
  fail(claim: Claim, reason: string): Promise<'delayed' | 'dead' | 'stale'>;
  /** Gives the tile back as if it had not been claimed. */
  release(claim: Claim): Promise<'released' | 'stale'>;
  /** Ends a claim that waits for a tile, and takes no other. A tile that was taken already is still handed out. */
  stopClaiming(): Promise<void>;
  /** Closes what the queue opened for itself. */
  close(): Promise<void>;
}

/** Milliseconds since the epoch. Without one, the scripts use the Redis server's clock. */
export type Clock = () => number;
