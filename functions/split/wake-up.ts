// Wakes assemble when an image begins. From zero, a pod of assemble takes as long to start as a worker takes to start and
// to blur a small image. Without this it would start only when the image is blurred. docs/adr/0025-wake-assemble-early.md has the measurements.
import { requestFor } from '../lib/service/node-http.ts';

/** One request is enough for a while: Knative keeps a pod for a minute after its last request. */
const PAUSE_MS = 10_000;
/** While a pod starts, Knative holds the request. */
const PATIENCE_MS = 30_000;

export class WakeUp {
  readonly #url: string | null;
  #sentAt = -Infinity;

  /** `url`: assemble's address, or null if it always runs. */
  constructor(url: string | null) {
    this.#url = url;
  }

  /** Sends a request that changes nothing. Returns at once, and a failure does not matter. */
  send(): void {
    if (this.#url === null || performance.now() - this.#sentAt < PAUSE_MS) return;
    this.#sentAt = performance.now();
    void ask(new URL('/health/ready', this.#url));
  }
}

async function ask(url: URL): Promise<void> {
  const request = await requestFor(url);
  request(url, { signal: AbortSignal.timeout(PATIENCE_MS), agent: false })
    .on('response', (response) => response.resume())
    .on('error', () => {})
    .end();
}
