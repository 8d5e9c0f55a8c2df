// Step 4 of the walk: tells assemble which images are blurred. The outbox holds them until assemble has closed them, so
// an event that gets lost is sent again, by this worker or another.
import type { Log } from '../lib/log.ts';
import type { ImageLedger } from '../lib/queue/image-ledger.ts';
import { deliver } from './delivery.ts';

const SEND_TIMEOUT_MS = 300_000;

export interface AnnouncerOptions {
  /** assemble's URL. */
  sink: string;
  /** Pause before an event is sent a second time; it doubles with every further one. */
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
    const { announceRetryMs, maxAnnouncements } = this.#options;
    while (!this.#isStopping) {
      const due = await this.#ledger.due(announceRetryMs, maxAnnouncements);
      if (due === null) return;
      const { imageId, isGivenUp } = due;
      if (isGivenUp) this.#log.error('An image failed: its event was sent too often', { imageId });
      else await this.#send(imageId);
    }
  }

  /** Sends an event. What keeps it from being taken is told in the image's record at once. */
  async #send(imageId: string): Promise<void> {
    const signal = AbortSignal.any([this.#giveUp.signal, AbortSignal.timeout(SEND_TIMEOUT_MS)]);
    const fault = await deliver(imageId, this.#options.sink, signal);
    if (fault === null) {
      this.#log.info('Announced', { imageId });
      return;
    }
    this.#log.warn('The event was not taken and will be sent again', { imageId, fault });
    // A worker that is told to stop does not wait for an answer: that is no fault of the image's.
    if (!this.#giveUp.signal.aborted) await this.#ledger.noteFault(imageId, fault);
  }
}
