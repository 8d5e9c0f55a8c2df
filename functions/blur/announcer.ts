// Step 4 of the pipeline: tells assemble which images are blurred. The outbox holds them until assemble has
// closed them, so a lost event is sent again by this worker or another.
import type { Log } from '../lib/log.ts';
import type { ImageLedger } from '../lib/queue/image-ledger.ts';
import { deliver } from './delivery.ts';

const SEND_TIMEOUT_MS = 300_000;

export interface AnnouncerOptions {
  /** assemble's URL. */
  sink: string;
  /** Pause before an event is sent a second time. It doubles each time. */
  announceRetryMs: number;
  /** How often an event is sent before its image fails. */
  maxAnnouncements: number;
}

export class Announcer {
  readonly #ledger: Pick<ImageLedger, 'due' | 'noteFault'>;
  readonly #options: AnnouncerOptions;
  readonly #log: Log;
  readonly #giveUp = new AbortController();
  #isStopping = false;
  #running: Promise<void> = Promise.resolve();

  constructor(ledger: Pick<ImageLedger, 'due' | 'noteFault'>, options: AnnouncerOptions, log: Log) {
    this.#ledger = ledger;
    this.#options = options;
    this.#log = log;
  }

  /**
   * Sends every event that is due, one after another. If it is called while it runs, it checks once more at
   * the end.
   */
  announce(): Promise<void> {
    const sent = this.#running.then(() => this.#sendDue());
    this.#running = sent.catch(() => {}); // The caller gets the error; the next check does not depend on it.
    return sent;
  }

  /** Sends no further event. Aborts the current one after `drainMs`; it stays in the outbox. */
  async stop(drainMs: number): Promise<void> {
    this.#isStopping = true;
    const limit = setTimeout(() => this.#giveUp.abort(), drainMs);
    await this.#running;
    clearTimeout(limit);
  }

  async #sendDue(): Promise<void> {
    const { announceRetryMs, maxAnnouncements } = this.#options;
    while (!this.#isStopping) {
      const due = await this.#ledger.due(announceRetryMs, maxAnnouncements);
      if (due === null) return;
      const { imageId, isGivenUp } = due;
      if (isGivenUp) this.#log.error('An image failed: its event was sent too often', { imageId });
      else await this.#send(imageId);
    }
  }

  /** Sends an event. If it is not accepted, the image's record says why at once. */
  async #send(imageId: string): Promise<void> {
    const signal = AbortSignal.any([this.#giveUp.signal, AbortSignal.timeout(SEND_TIMEOUT_MS)]);
    const fault = await deliver(imageId, this.#options.sink, signal);
    if (fault === null) {
      this.#log.info('Announced', { imageId });
      return;
    }
    this.#log.warn('The event was not accepted and will be sent again', { imageId, fault });
    // A worker that has to stop does not wait for the response. That is not the image's fault.
    if (!this.#giveUp.signal.aborted) await this.#ledger.noteFault(imageId, fault);
  }
}
