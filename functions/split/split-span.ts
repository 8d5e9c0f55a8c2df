// The span of splitting one image. All spans of the image's tiles are its children, so it has to be sent exactly once: by the request
// that completes the splitting.
import type { ImageRecord } from '../lib/queue/image-record.ts';
import { flushSpans, standIn, startSpan } from '../lib/tracing/spans.ts';

/** How splitting ended. `elsewhere`: another request put in the last tile. `over`: the image was cancelled or dropped. */
export type SplitEnd = 'complete' | 'elsewhere' | 'over';

const NAME = 'split';

export class SplitSpan {
  readonly #own = startSpan(NAME);

  /** For the image's record, if the image is begun here. */
  get trace(): string {
    return this.#own.trace;
  }

  /**
   * Runs `split` in the span that the image's record names: this one, or one of a split that has died, which this one replaces.
   * `isFinal` says whether the image ends with an error. After any other error a repeated request continues it.
   */
  async run(
    record: ImageRecord,
    split: () => Promise<SplitEnd>,
    isFinal: (error: unknown) => boolean,
  ): Promise<void> {
    const isOwn = record.trace === this.#own.trace;
    const span = isOwn ? this.#own : standIn(record.trace, NAME, record.createdAt);
    const { id, tiles, width, height, recipe } = record;
    span.set({
      'tessera.image': id,
      'tessera.tiles': tiles,
      'tessera.width': width,
      'tessera.height': height,
      'tessera.recipe': recipe,
      'tessera.resumed': !isOwn,
    });
    try {
      const end = await span.run(split);
      if (end === 'elsewhere') return;
      span.set({ 'tessera.outcome': end });
      span.end();
      flushSpans(); // Its children would have no parent if this process were killed now.
    } catch (error) {
      if (isFinal(error)) span.end(error);
      throw error;
    }
  }
}
