// Talks to split over HTTP, as any caller would.
import { setTimeout as sleep } from 'node:timers/promises';

/** What split tells of an image; see functions/split/status.ts. */
export interface ImageStatus {
  id: string;
  name: string;
  width: number;
  height: number;
  tiles: number;
  status: string;
  done: number;
  error: string | null;
  output: string | null;
  ms: number | null;
}

/** split refused a request; the message is the problem's detail. */
export class Refused extends Error {
  readonly status: number;
  readonly retryAfterSeconds: number;

  constructor(status: number, detail: string, retryAfterSeconds: number) {
    super(detail);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export class SplitClient {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Uploads an image; waits and tries again while split has no room for it. Throws {@link Refused}. */
  async upload(name: string, bytes: Uint8Array<ArrayBuffer>, signal?: AbortSignal): Promise<ImageStatus> {
    for (;;) {
      try {
        return await this.#request(`/?name=${encodeURIComponent(name)}`, {
          method: 'POST',
          body: bytes,
          headers: { 'content-type': 'application/octet-stream' },
          signal,
        });
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 429) throw error;
        await sleep(error.retryAfterSeconds * 1000, undefined, { signal });
      }
    }
  }

  async status(id: string, signal?: AbortSignal): Promise<ImageStatus> {
    return this.#request(`/images/${id}`, { signal });
  }

  async #request(
    path: string,
    init: Omit<RequestInit, 'signal'> & { signal?: AbortSignal | undefined },
  ): Promise<ImageStatus> {
    const { signal, ...rest } = init;
    const response = await fetch(`${this.#url}${path}`, { ...rest, ...(signal && { signal }) });
    const body = (await response.json()) as ImageStatus & { detail?: string };
    if (response.ok) return body;
    const retryAfterSeconds = Number(response.headers.get('retry-after') ?? 1);
    throw new Refused(response.status, body.detail ?? response.statusText, retryAfterSeconds);
  }
}
