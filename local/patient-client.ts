// Talks to split for a run: what passes by itself, such as a lack of room or of Redis, is waited for.
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

  /** Whether split has an upload to answer now. */
  get isUploading(): boolean {
    return this.#uploading > 0;
  }

  /** Uploads an image, again and again if need be. Throws {@link Refused} for one that split does not want. */
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

  /** An image's status; null when split cannot tell it now. Throws {@link Refused} when it does not know the image. */
  async status(id: string): Promise<ImageStatus | null> {
    try {
      return await this.#client.status(id, this.#signal);
    } catch (error) {
      if (this.#passes(error)) return null;
      throw error;
    }
  }

  /** Gives the image up. It may be over by now, and then nothing changes. */
  async cancel(id: string): Promise<void> {
    await this.#client.cancel(id).catch(() => {});
  }

  #passes(error: unknown): boolean {
    if (this.#signal.aborted) return false;
    return !(error instanceof Refused) || error.status === 429 || error.status === 503;
  }
}
