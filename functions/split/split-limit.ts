// How many images are split at once: each holds decoded pixels beside its file. One client may have only some of the places,
// and small images have places of their own, so nobody waits long behind someone else's large ones.
import { Places } from './places.ts';

/** Decoded, an image of so many pixels takes four megabytes at most, and it is split in a few hundredths of a second. */
const SMALL_PIXELS = 1_000_000;

export interface SplitLimits {
  /** Of large images, and as many small ones beside them. */
  maxSplits: number;
  /** How much of that one client may have. */
  clientShare: number;
}

export class SplitLimit {
  readonly #small: Places;
  readonly #large: Places;

  constructor({ maxSplits, clientShare }: SplitLimits) {
    this.#small = new Places(maxSplits, clientShare);
    this.#large = new Places(maxSplits, clientShare);
  }

  /** Splits an image of `client` with `pixels` by `work`, as soon as there is a place for it. */
  async run(client: string, pixels: number, work: () => Promise<void>): Promise<void> {
    const places = pixels <= SMALL_PIXELS ? this.#small : this.#large;
    await places.take(client);
    try {
      await work();
    } finally {
      places.giveBack(client);
    }
  }
}
