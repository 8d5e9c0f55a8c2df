// Step 4 of the pipeline: tells assemble which images are blurred. The outbox holds them until assemble has
// closed them, so a lost event is sent again by this worker or another.
import type { Log } from '../lib/log.ts';
import type { DueEvent, ImageLedger } from '../lib/queue/image-ledger.ts';
import { continueTrace, traceAttributes } from '../lib/tracing/spans.ts';
import { OutboxSender } from './outbox-sender.ts';

const SEND_TIMEOUT_MS = 300_000;

export interface AnnouncerOptions {
  /** assemble's URL. */
  sink: string;
  /** Pause before an event is sent a second time. It doubles each time. */
  announceRetryMs: number;
  /** How often an event is sent before its image fails. */
  maxAnnouncements: number;
  /** Called when assemble has closed an image. */
  onClosed?: () => void;
}

export class Announcer {
  readonly #ledger: Pick<ImageLedger, 'due' | 'noteFault'>;
  readonly #options: AnnouncerOptions;
  readonly #log: Log;
  readonly #sender: OutboxSender<DueEvent>;

  constructor(ledger: Pick<ImageLedger, 'due' | 'noteFault'>, options: AnnouncerOptions, log: Log) {
    const { announceRetryMs, maxAnnouncements } = options;
    this.#ledger = ledger;
    this.#options = options;
    this.#log = log;
    this.#sender = new OutboxSender({
      take: () => ledger.due(announceRetryMs, maxAnnouncements),
      send: (due, giveUp) => this.#handle(due, giveUp),
    });
  }

  /** Resolves when every event that is due is on its way. */
  announce(): Promise<void> {
    return this.#sender.sendDue();
  }

  /** Resolves when no event is on its way. */
  announced(): Promise<void> {
    return this.#sender.settled();
  }

  /** Sends no further event. Aborts those on their way after `drainMs`; they stay in the outbox. */
  stop(drainMs: number): Promise<void> {
    return this.#sender.stop(drainMs);
  }

  async #handle(due: DueEvent, giveUp: AbortSignal): Promise<void> {
    const attributes = { 'tessera.image': due.imageId };
    const span = continueTrace(due.trace, 'announce image', { kind: 'producer', attributes });
    const outcome = await span.run(() => this.#send(due, giveUp));
    span.set({ 'tessera.outcome': outcome });
    span.end(outcome === 'accepted' ? undefined : outcome);
  }

  /** Sends an event. If it is not accepted, the image's record says why at once. Never throws. */
  async #send(due: DueEvent, giveUp: AbortSignal): Promise<'accepted' | 'refused' | 'given up'> {
    const { imageId, isGivenUp } = due;
    if (isGivenUp) {
      this.#log.error('An image failed: its event was sent too often', { imageId });
      return 'given up';
    }
    const fault = await this.#deliver(due, giveUp);
    if (fault === null) {
      this.#log.info('Announced', { imageId });
      this.#options.onClosed?.();
      return 'accepted';
    }
    this.#log.warn('The event was not accepted and will be sent again', { imageId, fault });
    // A worker that has to stop does not wait for the response. That is not the image's fault.
    if (!giveUp.aborted) await this.#noteFault(imageId, fault);
    return 'refused';
  }

  async #deliver({ imageId, trace }: DueEvent, giveUp: AbortSignal): Promise<string | null> {
    // Loaded with the first event, because a worker's first tile should not have to wait for it.
    const [{ imageBlurredMessage }, { deliver }] = await Promise.all([
      import('../lib/events.ts'),
      import('./delivery.ts'),
    ]);
    const message = imageBlurredMessage(imageId, traceAttributes(trace));
    const signal = AbortSignal.any([giveUp, AbortSignal.timeout(SEND_TIMEOUT_MS)]);
    return deliver(message, { url: this.#options.sink, name: 'assemble' }, signal);
  }

  async #noteFault(imageId: string, fault: string): Promise<void> {
    try {
      await this.#ledger.noteFault(imageId, fault);
    } catch (error) {
      this.#log.warn('The fault of an event could not be recorded', { imageId, error });
    }
  }
}
