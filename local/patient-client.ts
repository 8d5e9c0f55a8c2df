// Sends requests to split for a run. If split has no room, or Redis is away, it waits and tries again.
import { setTimeout as sleep } from 'node:timers/promises';
import { Refused, type ImageStatus, type SplitClient } from './split-client.ts';

const RETRY_MS = 500;

export class PatientClient {
  readonly #client: SplitClient;
  readonly #signal: AbortSignal;
  #uploading = 0;

  /** `signal` ends every request and every wait. */
  constructor(client: SplitClient, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  /** Whether an upload is waiting for split's answer. */
  get isUploading(): boolean {
    return this.#uploading > 0;
  }

  /** Uploads an image, repeatedly if necessary. Throws {@link Refused} if split does not accept it. */
  async upload(
    name: string,
    bytes: Uint8Array,
    parameters: Record<string, string | number>,
  ): Promise<ImageStatus> {
    for (;;) {
      let waitMs = RETRY_MS;
      this.#uploading++;
      try {
        return await this.#client.send(name, bytes, this.#signal, parameters);
      } catch (error) {
        if (!this.#passes(error)) throw error;
        if (error instanceof Refused) waitMs = error.retryAfterSeconds * 1000;
      } finally {
        this.#uploading--;
      }
      await sleep(waitMs, undefined, { signal: this.#signal });
    }
  }

  /** Returns an image's status, or null if split cannot give it now. Throws {@link Refused} if split does not know it. */
  async status(id: string): Promise<ImageStatus | null> {
    try {
      return await this.#client.status(id, this.#signal);
    } catch (error) {
      if (this.#passes(error)) return null;
      throw error;
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
