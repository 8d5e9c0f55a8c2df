// A proxy between a function and Redis. It recognises each step of the queue and can hold it: before Redis
// receives it, or after Redis has done it and before the function gets the reply. The test decides what
// happens then. The functions contain no test hooks.
import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { FrameReader, textOf, type Frame } from './resp.ts';
import { stepOf, wordsOf, type Step } from './steps.ts';

/** `request`: Redis has not received the step. `reply`: Redis has done it, and the function has no reply yet. */
export type Moment = 'request' | 'reply';

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

type Verdict = 'pass' | 'cut' | 'tear';

interface Hold extends Stop {
  left: number;
  stopped: (passage: Passage) => void;
}

/** One command, or one transaction, and its replies. */
interface Exchange {
  step: Step;
  words: string[];
  raw: Buffer;
  replies: Frame[];
  expectedReplies: number;
}

export class RedisProxy {
  #redisPort: number;
  readonly #server: Server;
  readonly #links = new Set<Link>();
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
    const link = new Link(client, connect(this.#redisPort, '127.0.0.1'), (exchange, moment) =>
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

/** One connection. Keeps the order in both directions. */
class Link {
  readonly #client: Socket;
  readonly #redis: Socket;
  readonly #check: (exchange: Exchange, moment: Moment) => Promise<Verdict>;
  readonly #unanswered: Exchange[] = [];
  #transaction: Frame[] = [];
  #isTorn = false;
  #isSilent = false;
  #asking: Promise<void> = Promise.resolve();
  #answering: Promise<void> = Promise.resolve();

  constructor(
    client: Socket,
    redis: Socket,
    check: (exchange: Exchange, moment: Moment) => Promise<Verdict>,
  ) {
    this.#client = client;
    this.#redis = redis;
    this.#check = check;
    const requests = new FrameReader();
    const replies = new FrameReader();
    client.on('data', (chunk) => requests.read(chunk).forEach((frame) => this.#ask(frame)));
    redis.on('data', (chunk) => replies.read(chunk).forEach((frame) => this.#answer(frame)));
    for (const socket of [client, redis]) {
      socket.setNoDelay(true);
      socket.on('error', () => {}); // Cut connections are intended here; `close` follows.
      socket.on('close', () => this.close());
    }
  }

  /** Stops reading on both sides. What is sent stays in the system's buffers until they are full. */
  silence(): void {
    this.#isSilent = true;
    this.#client.pause();
    this.#redis.pause();
  }

  close(): void {
    this.#client.destroy();
    this.#redis.destroy();
  }

  #ask(frame: Frame): void {
    const exchange = this.#exchangeOf(frame);
    if (!exchange) return;
    this.#asking = this.#asking.then(async () => {
      const verdict = await this.#check(exchange, 'request');
      if (verdict === 'pass') this.#unanswered.push(exchange);
      this.#send(this.#redis, exchange.raw, verdict);
    });
  }

  #answer(frame: Frame): void {
    const [exchange] = this.#unanswered;
    exchange.replies.push(frame);
    if (exchange.replies.length < exchange.expectedReplies) return;
    this.#unanswered.shift();
    this.#answering = this.#answering.then(async () => {
      const verdict = await this.#check(exchange, 'reply');
      this.#send(this.#client, Buffer.concat(exchange.replies.map(({ raw }) => raw)), verdict);
    });
  }

  #send(to: Socket, bytes: Buffer, verdict: Verdict): void {
    if (this.#isTorn || this.#isSilent) return; // Nothing may follow half a frame.
    if (verdict === 'pass') to.write(bytes);
    else if (verdict === 'cut') this.close();
    else {
      this.#isTorn = true;
      to.write(bytes.subarray(0, bytes.length / 2), () => this.close());
    }
  }

  /** Returns the exchange that a frame completes. A transaction, from MULTI to EXEC, is one exchange. */
  #exchangeOf(frame: Frame): Exchange | null {
    const [command, ...rest] = wordsOf(frame);
    if (command !== 'multi' && this.#transaction.length === 0) {
      return exchange(stepOf(command, rest), frame.raw, 1);
    }
    this.#transaction.push(frame);
    if (command !== 'exec') return null;
    const frames = this.#transaction;
    this.#transaction = [];
    const steps = frames.map((each) => wordsOf(each)).map(([name, ...args]) => stepOf(name, args));
    const named = steps.find(({ isScript }) => isScript) ?? steps[1];
    return exchange(named, Buffer.concat(frames.map(({ raw }) => raw)), frames.length);
  }
}

function exchange(
  { step, words }: { step: Step; words: string[] },
  raw: Buffer,
  expectedReplies: number,
): Exchange {
  return { step, words, raw, replies: [], expectedReplies };
}
