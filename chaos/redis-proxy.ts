// A proxy between a function and Redis. It recognises each step of the queue and can hold it: before Redis
// receives it, or after Redis has done it and before the function gets the reply. The test decides what
// happens then. The functions contain no test hooks.
import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { RedisLink, type Exchange, type Moment, type Verdict } from './redis-link.ts';
import { textOf } from './resp.ts';
import type { Step } from './steps.ts';

/** A step that is held. Everything after it on the same connection waits too. */
export interface Passage {
  /** The arguments of a script or command. */
  words: string[];
  /** Redis's reply as text; '' before there is one. */
  answer: string;
  pass(): void;
  /** Drops the step and closes its connection. */
  cut(): void;
  /** Sends half of the step's bytes, then closes its connection. */
  tear(): void;
}

/** Which step to hold, and when. */
export interface Stop {
  step: Step;
  moment: Moment;
  /** The number of the matching step, counted from 1; the first by default. */
  nth?: number;
  /** Which steps match; all by default. */
  where?: (step: Pick<Passage, 'words' | 'answer'>) => boolean;
}

interface Hold extends Stop {
  left: number;
  stopped: (passage: Passage) => void;
}

export class RedisProxy {
  #redisPort: number;
  readonly #server: Server;
  readonly #links = new Set<RedisLink>();
  readonly #holds: Hold[] = [];
  readonly #stopped = new Set<Passage>();

  private constructor(redisPort: number) {
    this.#redisPort = redisPort;
    this.#server = createServer((client) => this.#link(client));
  }

  static async start(redisPort: number): Promise<RedisProxy> {
    const proxy = new RedisProxy(redisPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves when the step is held. It stays held until it is passed or cut. */
  hold(stop: Stop): Promise<Passage> {
    const { promise, resolve } = Promise.withResolvers<Passage>();
    this.#holds.push({ ...stop, left: stop.nth ?? 1, stopped: resolve });
    return promise;
  }

  /** Removes every hold, and cuts held steps. */
  release(): void {
    this.#holds.length = 0;
    for (const passage of this.#stopped) passage.cut();
  }

  /** Closes every connection; the function may connect again. */
  cutAll(): void {
    for (const link of this.#links) link.close();
  }

  /** Directs new connections to another server; existing ones stay. */
  leadTo(redisPort: number): void {
    this.#redisPort = redisPort;
  }

  /** Stops all traffic on existing connections without closing them, as if the other end had vanished. */
  blackHole(): void {
    for (const link of this.#links) link.silence();
  }

  async close(): Promise<void> {
    this.cutAll();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #link(client: Socket): void {
    const link = new RedisLink(client, connect(this.#redisPort, '127.0.0.1'), (exchange, moment) =>
      this.#check(exchange, moment),
    );
    this.#links.add(link);
    client.once('close', () => this.#links.delete(link));
  }

  /** Decides about a step: it passes at once unless a hold waits for it. */
  async #check({ step, words, replies }: Exchange, moment: Moment): Promise<Verdict> {
    const holds = this.#holds.filter((each) => each.step === step && each.moment === moment);
    if (holds.length === 0) return 'pass'; // Most replies are pixels, which take long to read as text.
    const answer = moment === 'reply' ? replies.map(({ value }) => textOf(value)).join(' ') : '';
    const hold = holds.find((each) => each.where?.({ words, answer }) !== false);
    if (!hold || --hold.left > 0) return 'pass';
    this.#holds.splice(this.#holds.indexOf(hold), 1);
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    const passage = {
      words,
      answer,
      pass: () => resolve('pass'),
      cut: () => resolve('cut'),
      tear: () => resolve('tear'),
    };
    this.#stopped.add(passage);
    hold.stopped(passage);
    return promise.finally(() => this.#stopped.delete(passage));
  }
}
