// Limits how many images are split at once, because each one holds decoded pixels besides its file. One
// client may have only some of the places, and small images have their own places, so nobody waits long
// behind somebody else's large images.
import { CallerGone } from '../lib/service/caller-gone.ts';
import { Places } from './places.ts';

/** A decoded image of this size takes at most four megabytes and is split in a few hundredths of a second. */
const SMALL_PIXELS = 1_000_000;

export interface SplitLimits {
  /** Number of large images, and also of small images. */
  maxSplits: number;
  /** The share of that for one client. */
  clientShare: number;
}

export class SplitLimit {
  readonly #small: Places;
  readonly #large: Places;

  constructor({ maxSplits, clientShare }: SplitLimits) {
    this.#small = new Places(maxSplits, clientShare);
    this.#large = new Places(maxSplits, clientShare);
  }

  /**
   * Calls `work`, which splits an image of `client` with `pixels`, as soon as there is a place for it. Throws
   * {@link CallerGone} if `gone` is aborted while it waits.
   */
  async run(client: string, pixels: number, work: () => Promise<void>, gone?: AbortSignal): Promise<void> {
    const places = pixels <= SMALL_PIXELS ? this.#small : this.#large;
    if (!(await places.take(client, Infinity, gone))) throw new CallerGone();
    try {
      await work();
    } finally {
      places.giveBack(client);
    }
  }
}
