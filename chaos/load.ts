// Sends split far more than the pipeline can take, through the front door, and watches what becomes of it.
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import type { Pipeline } from '../local/pipeline.ts';
import { SplitClient } from '../local/split-client.ts';
import { picture, toPng } from '../functions/testing/pictures.ts';

export interface LoadOptions {
  /** How long the load lasts. */
  seconds: number;
  /** How many times what the pipeline can take. */
  factor: number;
  /** Side of the square images, in pixels. */
  sidePx: number;
}

/** Times in milliseconds, from the request to the whole answer. */
interface Answers {
  count: number;
  p50: number;
  p99: number;
  longest: number;
}

export interface LoadResult {
  /** Images a second that the pipeline finishes when it is always given the next one. */
  capacity: number;
  /** Images a second that were sent. */
  sent: number;
  accepted: Answers;
  /** Answers 429. */
  refused: Answers;
  /** Requests for the status of an accepted image, sent beside the load. */
  status: Answers;
  /** Answers of any other status, by status; 0 is a connection that broke. */
  others: Record<string, number>;
  /** Accepted images that were done in the end, and those that were not. */
  done: number;
  notDone: number;
  /** The most memory that Redis used for its data, and what it was allowed. */
  redisPeakBytes: number;
  budgetBytes: number;
}

const WARM_UP_S = 3;
const MEASURE_S = 10;
const STATUS_RATE = 10;
const CONNECTIONS = 50;
/** Accepted images must all be done this long after the last was sent. */
const FINISH_S = 120;

/** Runs one load against a pipeline whose budget is `budgetBytes`. */
export async function runLoad(
  pipeline: Pipeline,
  budgetBytes: number,
  { seconds, factor, sidePx }: LoadOptions,
): Promise<LoadResult> {
  const png = await toPng(picture(sidePx, sidePx), 3);
  const client = new SplitClient(pipeline.splitUrl);
  await measureCapacity(client, png, WARM_UP_S);
  const capacity = await measureCapacity(client, png, MEASURE_S);
  const memory = watchMemory(pipeline);
  const load = new Load(pipeline.splitUrl, png);
  await load.run(capacity * factor, seconds);
  const finished = await waitForAll(client, load.ids);
  const redisPeakBytes = await memory.stop();
  return {
    capacity,
    sent: capacity * factor,
    ...load.answers(),
    ...finished,
    redisPeakBytes,
    budgetBytes,
  };
}

/** Images a second with a few always under way. */
async function measureCapacity(client: SplitClient, png: Uint8Array, seconds: number): Promise<number> {
  const startedAt = performance.now();
  let done = 0;
  const oneAfterAnother = async (lane: number): Promise<void> => {
    for (let n = 0; performance.now() - startedAt < seconds * 1000; n++) {
      const { id } = await client.upload(`capacity-${lane}-${n}-${startedAt}.png`, png);
      while ((await client.status(id)).status !== 'done') await sleep(10);
      done++;
    }
  };
  await Promise.all([0, 1, 2, 3].map(oneAfterAnother));
  return (done * 1000) / (performance.now() - startedAt);
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

interface Context {
  sentAt?: number;
}

/** The load itself: uploads at a fixed rate, each a different image to split, and status requests beside them. */
class Load {
  readonly ids: string[] = [];
  readonly #url: string;
  readonly #png: Buffer;
  readonly #accepted = new Samples();
  readonly #refused = new Samples();
  readonly #status = new Samples();
  readonly #others: Record<string, number> = {};
  #next = 0;

  constructor(url: string, png: Buffer) {
    this.#url = url;
    this.#png = png;
  }

  async run(rate: number, seconds: number): Promise<void> {
    const shared = { url: this.#url, duration: seconds };
    const uploads = autocannon({
      ...shared,
      connections: CONNECTIONS,
      overallRate: Math.ceil(rate),
      requests: [
        {
          method: 'POST',
          body: this.#png,
          headers: { 'content-type': 'image/png' },
          setupRequest: (request, context: Context) => {
            context.sentAt = performance.now();
            return { ...request, path: `/?name=load-${this.#next++}.png` };
          },
          onResponse: (status, body, context: Context) => this.#take(status, body, context.sentAt),
        },
      ],
    });
    const looks = autocannon({
      ...shared,
      connections: 2,
      overallRate: STATUS_RATE,
      requests: [
        {
          setupRequest: (request, context: Context) => {
            context.sentAt = performance.now();
            return { ...request, path: this.ids.length > 0 ? `/images/${this.ids.at(-1)}` : '/images' };
          },
          onResponse: (_status, _body, context: Context) =>
            this.#status.add(performance.now() - (context.sentAt ?? 0)),
        },
      ],
    });
    const results = await Promise.all([uploads, looks]);
    const broken = results.reduce((sum, { errors, timeouts }) => sum + errors + timeouts, 0);
    if (broken > 0) this.#others[0] = broken;
  }

  #take(status: number, body: string, sentAt = 0): void {
    const ms = performance.now() - sentAt;
    if (status === 202) {
      this.ids.push((JSON.parse(body) as { id: string }).id);
      this.#accepted.add(ms);
    } else if (status === 429) this.#refused.add(ms);
    else this.#others[status] = (this.#others[status] ?? 0) + 1;
  }

  answers() {
    return {
      accepted: this.#accepted.summary(),
      refused: this.#refused.summary(),
      status: this.#status.summary(),
      others: this.#others,
    };
  }
}

/** Waits until every image is done, for a while. */
async function waitForAll(client: SplitClient, ids: string[]): Promise<{ done: number; notDone: number }> {
  const deadline = Date.now() + FINISH_S * 1000;
  let left = ids;
  while (left.length > 0 && Date.now() < deadline) {
    const still: string[] = [];
    for (const id of left) if ((await client.status(id)).status !== 'done') still.push(id);
    left = still;
    if (left.length > 0) await sleep(500);
  }
  return { done: ids.length - left.length, notDone: left.length };
}

/** The most memory Redis uses for its data, looked at ten times a second. */
function watchMemory({ redis }: Pipeline): { stop: () => Promise<number> } {
  const stopping = new AbortController();
  let peak = 0;
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      const found = /used_memory_dataset:(\d+)/.exec(await redis.info('memory'));
      peak = Math.max(peak, Number(found?.[1] ?? 0));
      await sleep(100);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await watching;
      return peak;
    },
  };
}
