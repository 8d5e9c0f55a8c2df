// Calls split over HTTP, like any other caller.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestFor } from '../functions/lib/service/node-http.ts';

/** The status of an image; see functions/split/status.ts. */
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

interface RequestParts {
  method?: 'GET' | 'POST' | 'DELETE';
  body?: Uint8Array;
  signal?: AbortSignal | undefined;
}

export class SplitClient {
  readonly #url: string;
  readonly #authorization: { authorization?: string };

  /** Calls split at `url`, with an access token if it requires one. */
  constructor(url: string, accessToken?: string) {
    this.#url = url;
    this.#authorization = accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` };
  }

  /** Uploads an image; waits and retries while split has no room for it. Throws {@link Refused}. */
  async upload(
    name: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
    parameters: Record<string, string | number> = {},
  ): Promise<ImageStatus> {
    for (;;) {
      try {
        return await this.send(name, bytes, signal, parameters);
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 429) throw error;
        await sleep(error.retryAfterSeconds * 1000, undefined, { signal });
      }
    }
  }

  /** Uploads an image, once. Throws {@link Refused}. */
  async send(
    name: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
    parameters: Record<string, string | number> = {},
  ): Promise<ImageStatus> {
    const query = Object.entries({ name, ...parameters }).map(
      ([key, value]) => `${key}=${encodeURIComponent(value)}`,
    );
    return this.#request(`/?${query.join('&')}`, { method: 'POST', body: bytes, signal });
  }

  async status(id: string, signal?: AbortSignal): Promise<ImageStatus> {
    return this.#request(`/images/${id}`, { signal });
  }

  /** Cancels the image. Throws {@link Refused} if it is over. */
  async cancel(id: string): Promise<ImageStatus> {
    return this.#request(`/images/${id}`, { method: 'DELETE' });
  }

  /** Returns whether the image's result exists. */
  async hasResult(id: string): Promise<boolean> {
    const options = { method: 'HEAD', headers: this.#authorization };
    return (await fetch(`${this.#url}/images/${id}/result`, options)).ok;
  }

  /** Uses node:http, which sends a body without a copy; `fetch` takes three times as long for a large one. */
  async #request(path: string, { method = 'GET', body, signal }: RequestParts): Promise<ImageStatus> {
    const request = await requestFor(this.#url);
    const sending = request(`${this.#url}${path}`, {
      method,
      headers: {
        ...this.#authorization,
        ...(body && { 'content-type': 'application/octet-stream', 'content-length': body.byteLength }),
      },
      ...(signal && { signal }),
    });
    const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
    sending.end(body);
    const [response] = await answered;
    sending.on('error', () => {}); // The answer counts even if it arrived before everything was sent.
    const answer = (await json(response)) as ImageStatus & { detail?: string };
    const { statusCode = 0, statusMessage = '' } = response;
    if (statusCode < 300) return answer;
    const retryAfterSeconds = Number(response.headers['retry-after'] ?? 1);
    throw new Refused(statusCode, answer.detail ?? statusMessage, retryAfterSeconds);
  }
}
