// Step 4 of the walk: tells assemble which images are blurred. The outbox holds them until assemble has closed them, so
// an event that gets lost is sent again, by this worker or another.
import type { Log } from '../lib/log.ts';
import type { ImageLedger } from '../lib/queue/image-ledger.ts';

const SEND_TIMEOUT_MS = 300_000;

export interface AnnouncerOptions {
  /** assemble's URL. */
  sink: string;
  /** Pause before an event is sent a second time; it doubles with every further one. */
  announceRetryMs: number;
}

export class Announcer {
  readonly #ledger: ImageLedger;
  readonly #options: AnnouncerOptions;
  readonly #log: Log;
  readonly #giveUp = new AbortController();
  #isStopping = false;
  #running: Promise<void> = Promise.resolve();

  constructor(ledger: ImageLedger, options: AnnouncerOptions, log: Log) {
    this.#ledger = ledger;
    this.#options = options;
    this.#log = log;
  }

  /** Sends every event that is due, one after another. Called again while it is at it, it has one more look. */
  announce(): Promise<void> {
    const sent = this.#running.then(() => this.#sendDue());
    this.#running = sent.catch(() => {}); // The caller hears of it; the next look does not depend on this one.
    return sent;
  }

  /** Sends no further event; gives up on the one being sent after `drainMs`: it stays in the outbox. */
  async stop(drainMs: number): Promise<void> {
    this.#isStopping = true;
    const limit = setTimeout(() => this.#giveUp.abort(), drainMs);
    await this.#running;
    clearTimeout(limit);
  }

  async #sendDue(): Promise<void> {
    while (!this.#isStopping) {
      const imageId = await this.#ledger.due(this.#options.announceRetryMs);
      if (imageId === null) return;
      try {
        await this.#send(imageId);
        this.#log.info('Announced', { imageId });
      } catch (error) {
        this.#log.warn('The event was not taken and will be sent again', { imageId, error });
      }
    }
  }

  async #send(imageId: string): Promise<void> {
    // Loaded with the first event, not with the process: a worker's first tile should not wait for it.
    const { imageBlurredMessage } = await import('../lib/events.ts');
    const { headers, body } = imageBlurredMessage(imageId);
    const signal = AbortSignal.any([this.#giveUp.signal, AbortSignal.timeout(SEND_TIMEOUT_MS)]);
    const response = await fetch(this.#options.sink, { method: 'POST', headers, body, signal });
    const answer = await response.text();
    if (!response.ok) {
      const { origin } = new URL(this.#options.sink); // The rest may hold a secret.
      throw new Error(`${origin} answered ${response.status}: ${answer.slice(0, 500)}`);
    }
  }
}
