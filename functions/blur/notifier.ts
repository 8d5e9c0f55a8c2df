// After step 5 of the pipeline: tells the receiver at DONE_SINK which images are done or have failed. Notices have an
// outbox of their own, so a receiver that is down or slow delays no image.
import type { Log } from '../lib/log.ts';
import type { DueNotice, Notices } from '../lib/queue/notices.ts';
import type { Locations } from '../lib/store/locations.ts';
import { continueTrace } from '../lib/tracing/spans.ts';
import { OutboxSender } from './outbox-sender.ts';

/** What an attempt may need besides the receiver's own time. Until it is over, no other worker sends the same notice. */
const MARGIN_MS = 5000;

export interface NotifierOptions {
  /** The receiver's URL; null if nobody is to be told any more. */
  doneSink: string | null;
  /** How long the receiver may take to answer. */
  doneTimeoutMs: number;
  /** Pause before an event is sent a second time. It doubles each time. */
  announceRetryMs: number;
  /** How often an event is sent before it is given up. */
  maxAnnouncements: number;
}

export interface NotifierParts {
  notices: Pick<Notices, 'next' | 'retry' | 'close'>;
  locations: Locations;
  log: Log;
}

export class Notifier {
  readonly #parts: NotifierParts;
  readonly #options: NotifierOptions;
  readonly #sender: OutboxSender<DueNotice>;

  constructor(parts: NotifierParts, options: NotifierOptions) {
    const { doneTimeoutMs, maxAnnouncements } = options;
    this.#parts = parts;
    this.#options = options;
    this.#sender = new OutboxSender({
      take: () => parts.notices.next(doneTimeoutMs + MARGIN_MS, maxAnnouncements),
      send: (due, giveUp) => this.#handle(due, giveUp),
    });
  }

  /** Resolves when every event that is due is on its way. */
  notify(): Promise<void> {
    return this.#sender.sendDue();
  }

  /** Resolves when no event is on its way. */
  notified(): Promise<void> {
    return this.#sender.settled();
  }

  /** Sends no further event. Aborts those on their way after `drainMs`; they stay in the outbox. */
  stop(drainMs: number): Promise<void> {
    return this.#sender.stop(drainMs);
  }

  async #handle(due: DueNotice, giveUp: AbortSignal): Promise<void> {
    const { id, trace, state } = due.image;
    const attributes = { 'tessera.image': id, 'tessera.state': state };
    const span = continueTrace(trace, 'tell of the end', { kind: 'producer', attributes });
    const outcome = await span.run(() => this.#send(due, giveUp));
    span.set({ 'tessera.outcome': outcome });
    span.end(outcome === 'accepted' ? undefined : outcome);
  }

  async #send(due: DueNotice, giveUp: AbortSignal): Promise<'accepted' | 'refused' | 'given up'> {
    const { log } = this.#parts;
    const { doneSink } = this.#options;
    const { notice, image, isGivenUp } = due;
    const about = { imageId: image.id, status: image.state };
    if (isGivenUp) {
      log.error('The event of an ended image was given up: it was sent too often', about);
      return 'given up';
    }
    if (doneSink === null) {
      log.warn('The event of an ended image was dropped: DONE_SINK is not set any more', about);
      await this.#close(notice);
      return 'given up';
    }
    const fault = await this.#deliver(due, doneSink, giveUp);
    if (fault === null) {
      await this.#close(notice);
      log.info('The event of an ended image was accepted', about);
      return 'accepted';
    }
    log.warn('The event of an ended image was not accepted and will be sent again', { ...about, fault });
    await this.#retry(due);
    return 'refused';
  }

  async #deliver({ image }: DueNotice, url: string, giveUp: AbortSignal): Promise<string | null> {
    // Loaded with the first event, because a worker's first tile should not have to wait for it.
    const [{ noticeMessage }, { deliver }] = await Promise.all([
      import('../lib/notice-event.ts'),
      import('./delivery.ts'),
    ]);
    const signal = AbortSignal.any([giveUp, AbortSignal.timeout(this.#options.doneTimeoutMs)]);
    return deliver(noticeMessage(image, this.#parts.locations), { url, name: 'the receiver' }, signal);
  }

  /** A notice that cannot be made due again is due when it is no longer held back. */
  async #retry(due: DueNotice): Promise<void> {
    try {
      await this.#parts.notices.retry(due, this.#options.announceRetryMs);
    } catch (error) {
      this.#parts.log.warn('A refused event could not be put back and will be sent later', {
        notice: due.notice,
        error,
      });
    }
  }

  /** A notice that cannot be closed is sent again later. */
  async #close(notice: string): Promise<void> {
    try {
      await this.#parts.notices.close(notice);
    } catch (error) {
      this.#parts.log.warn('An accepted event could not be closed and will be sent again', { notice, error });
    }
  }
}
