// One image as a plain object: where its tiles are, and the state that follows from that. A part of the
// queue's model.
import { POLICY } from './rig.ts';

const MAX_PAUSE_MS = 30_000;

/** Where a tile is. There is one field for it, so it is in one place at a time. */
export type Place =
  | { in: 'ready' }
  | { in: 'leased'; token: string; until: number }
  | { in: 'delayed'; due: number }
  | { in: 'done'; by: string; core: string }
  | { in: 'dead' };

export interface TileModel {
  place: Place;
  attempts: number;
  error: string | null;
}

export class ImageModel {
  readonly tileCount: number;
  readonly createdAt: number;
  state: 'splitting' | 'blurring' | 'blurred' | 'done' | 'failed' | 'cancelled' = 'splitting';
  readonly tiles = new Map<number, TileModel>();
  attempts = 0;
  reclaims = 0;
  fenced = 0;
  /** The claim whose ack was refused last: sent again, it counts once. */
  fencedBy: string | null = null;
  announced = 0;
  /** When its event is sent next; null if it is not blurred. */
  nextEvent: number | null = null;
  touchedAt: number;
  blurredAt: number | null = null;
  endedAt: number | null = null;
  error: string | null = null;
  /** When it failed and nothing of it was in progress any more. */
  settledAt = 0;
  readonly output = 'photo_blurred.png';

  constructor(tileCount: number, now: number) {
    this.tileCount = tileCount;
    this.createdAt = now;
    this.touchedAt = now;
  }

  /** Whether it accepts no more tiles. A failed image without tiles was dropped. */
  get isOver(): boolean {
    return this.state === 'done' || this.state === 'cancelled' || (this.state === 'failed' && this.#isEmpty);
  }

  /** Whether it will be removed after a while: it has ended, or failed with nothing in progress. */
  get isSettled(): boolean {
    const isStill = this.#places.every((each) => /done|dead/.test(each));
    return this.isOver || (this.state === 'failed' && !this.isIncomplete && isStill);
  }

  /** Whether all its tiles are done, but its event was sent too often. */
  get isGivenUp(): boolean {
    return this.state === 'failed' && !this.#isEmpty && this.#places.every((each) => each === 'done');
  }

  /** Whether tiles are missing. */
  get isIncomplete(): boolean {
    return !this.isOver && this.tiles.size < this.tileCount;
  }

  startsOver(again: boolean): boolean {
    return this.state === 'failed' || this.state === 'cancelled' || (this.state === 'done' && again);
  }

  /** Returns the state that follows from where the tiles are. */
  settle(now: number): void {
    const places = this.#places;
    if (places.includes('dead')) this.state = 'failed';
    else if (places.length < this.tileCount) this.state = 'splitting';
    else if (places.some((each) => each !== 'done')) this.state = 'blurring';
    else {
      this.state = 'blurred';
      this.blurredAt = now;
      this.nextEvent = now;
    }
    if (this.isSettled) this.settledAt = now;
  }

  end(state: 'done' | 'failed' | 'cancelled', error: string | null, now: number | null): void {
    this.state = state;
    this.error = error;
    this.endedAt = now;
    this.nextEvent = null;
    this.tiles.clear();
  }

  /** Decides about a tile whose attempt ended without a result. */
  retry(number: number, tile: TileModel, reason: string, jitter: number, now: number): 'delayed' | 'dead' {
    if (tile.attempts < POLICY.maxAttempts) {
      const pause = Math.min(POLICY.retryBaseMs * 2 ** (tile.attempts - 1), MAX_PAUSE_MS) * (1 + jitter / 2);
      tile.place = { in: 'delayed', due: now + Math.floor(pause) };
      return 'delayed';
    }
    tile.place = { in: 'dead' };
    tile.error = reason;
    this.error = `tile ${number}: ${reason}`;
    this.endedAt = now;
    this.settle(now);
    return 'dead';
  }

  get #places(): string[] {
    return [...this.tiles.values()].map((tile) => tile.place.in);
  }

  get #isEmpty(): boolean {
    return this.tiles.size === 0;
  }
}
