// The requests of a load run: more uploads than the pipeline can process, plus requests for status and
// probes.
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import { uploadOnce } from './one-upload.ts';

/** Requests per second for the status of images, and as many for the probes. */
const LOOK_RATE = 10;
/** Uploads at the same time, each on its own connection. */
const MOST_UPLOADS = 50;

/** Times in milliseconds, from the request to the whole answer. */
export interface Answers {
  count: number;
  p50: number;
  p99: number;
  longest: number;
}

/** Samples of one kind of answer. */
class Samples {
  readonly #ms: number[] = [];

  add(ms: number): void {
    this.#ms.push(ms);
  }

  summary(): Answers {
    const sorted = this.#ms.toSorted((a, b) => a - b);
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return { count: sorted.length, p50: at(0.5), p99: at(0.99), longest: at(1) };
  }
}

/** The load itself: uploads at a fixed rate, each of a different image, plus requests for status and probes. */
export class LoadTraffic {
  readonly ids: string[] = [];
  readonly #url: string;
  readonly #png: Buffer;
  readonly #accepted = new Samples();
  readonly #refused = new Samples();
  readonly #status = new Samples();
  readonly #probes = new Samples();
  readonly #others: Record<string, number> = {};
  #sent = 0;
  #seconds = 0;

  constructor(url: string, png: Buffer) {
    this.#url = url;
    this.#png = png;
  }

  async run(rate: number, seconds: number): Promise<void> {
    const probes = ['/health/live', '/health/ready'];
    let probed = 0;
    await Promise.all([
      this.#uploadAll(rate, seconds),
      this.#look(seconds, this.#status, () =>
        this.ids.length > 0 ? `/images/${this.ids.at(-1)}` : '/images',
      ),
      this.#look(seconds, this.#probes, () => probes[probed++ % probes.length]),
    ]);
  }

  async #uploadAll(rate: number, seconds: number): Promise<void> {
    const startedAt = performance.now();
    const elapsed = () => (performance.now() - startedAt) / 1000;
    const inProgress = new Set<Promise<void>>();
    while (elapsed() < seconds) {
      if (inProgress.size >= MOST_UPLOADS) await Promise.race(inProgress);
      else if (this.#sent > elapsed() * rate) await sleep(1000 / rate);
      else {
        const upload = this.#upload(this.#sent++).finally(() => inProgress.delete(upload));
        inProgress.add(upload);
      }
    }
    this.#seconds = elapsed();
    await Promise.all(inProgress);
  }

  async #upload(number: number): Promise<void> {
    try {
      const { status, body, ms } = await uploadOnce(`${this.#url}/?name=load-${number}.png`, this.#png);
      if (status === 429) this.#refused.add(ms);
      else if (status === 202) {
        this.#accepted.add(ms);
        this.ids.push((JSON.parse(body) as { id: string }).id);
      } else this.#count(`upload: ${status}`);
    } catch (error) {
      this.#count(`upload: ${String(error)}`);
    }
  }

  /** Requests one path after another, on connections that stay open. */
  async #look(seconds: number, samples: Samples, path: () => string): Promise<void> {
    const { errors, timeouts } = await autocannon({
      url: this.#url,
      duration: seconds,
      connections: 2,
      overallRate: LOOK_RATE,
      requests: [
        {
          setupRequest: (request, context: { sentAt?: number; path?: string }) => {
            context.sentAt = performance.now();
            context.path = path();
            return { ...request, path: context.path };
          },
          onResponse: (status, _body, { sentAt = 0, path: asked }: { sentAt?: number; path?: string }) => {
            samples.add(performance.now() - sentAt);
            if (status !== 200) this.#count(`${asked}: ${status}`);
          },
        },
      ],
    });
    if (errors + timeouts > 0) this.#count('status or probe without an answer', errors + timeouts);
  }

  #count(what: string, times = 1): void {
    this.#others[what] = (this.#others[what] ?? 0) + times;
  }

  answers() {
    return {
      sent: this.#sent / this.#seconds,
      accepted: this.#accepted.summary(),
      refused: this.#refused.summary(),
      status: this.#status.summary(),
      probes: this.#probes.summary(),
      others: this.#others,
    };
  }
}
