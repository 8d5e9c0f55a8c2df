// Sends requests to split for a run. If split has no room, or Redis is away, it waits and tries again.
import { setTimeout as sleep } from 'node:timers/promises';
import { Refused, type ImageStatus, type SplitClient } from './split-client.ts';

const RETRY_MS = 500;
/** A refusal takes less time; accepting a large picture may take longer. */
const REFUSAL_MS = 5000;

/** An upload that split has not accepted yet. */
interface Upload {
  /** When the current try was sent; null while it waits for the next one. */
  sentAt: number | null;
  /** What split said when it refused the last try. */
  refusal: string | null;
}

export class PatientClient {
  readonly #client: SplitClient;
  readonly #signal: AbortSignal;
  readonly #uploads = new Set<Upload>();

  /** `signal` ends every request and every wait. */
  constructor(client: SplitClient, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  /** Whether split seems to read an image. A try after a refusal counts only once it takes longer than a refusal. */
  get isReading(): boolean {
    const longAgo = performance.now() - REFUSAL_MS;
    return [...this.#uploads].some(
      ({ sentAt, refusal }) => sentAt !== null && (refusal === null || sentAt < longAgo),
    );
  }

  /** Why split does not accept an image now; null if it has refused none of those that wait. */
  get refusal(): string | null {
    return [...this.#uploads].find(({ refusal }) => refusal !== null)?.refusal ?? null;
  }

  /** Uploads an image, repeatedly if necessary. Throws {@link Refused} if split does not accept it. */
  async upload(
    name: string,
    bytes: Uint8Array,
    parameters: Record<string, string | number>,
  ): Promise<ImageStatus> {
    const upload: Upload = { sentAt: null, refusal: null };
    this.#uploads.add(upload);
    try {
      for (;;) {
        let waitMs = RETRY_MS;
        upload.sentAt = performance.now();
        try {
          return await this.#client.send(name, bytes, this.#signal, parameters);
        } catch (error) {
          if (!this.#passes(error)) throw error;
          if (error instanceof Refused) {
            waitMs = error.retryAfterSeconds * 1000;
            upload.refusal = error.message;
          }
        }
        upload.sentAt = null;
        await sleep(waitMs, undefined, { signal: this.#signal });
      }
    } finally {
      this.#uploads.delete(upload);
    }
  }

  /** Cancels the image. If it is over by now, nothing changes. */
  async cancel(id: string): Promise<void> {
    await this.#client.cancel(id).catch(() => {});
  }

  #passes(error: unknown): boolean {
    if (this.#signal.aborted) return false;
    return !(error instanceof Refused) || error.status === 429 || error.status === 503;
  }
}
