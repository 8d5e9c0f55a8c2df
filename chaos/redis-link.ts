// One connection through the proxy for Redis. It keeps the order in both directions, and asks about each step before it passes it.
import type { Socket } from 'node:net';
import { FrameReader, type Frame } from './resp.ts';
import { stepOf, wordsOf, type Step } from './steps.ts';

/** `request`: Redis has not received the step. `reply`: Redis has done it, and the function has no reply yet. */
export type Moment = 'request' | 'reply';

/** What becomes of a step. `tear`: half of its bytes are sent, then the connection is closed. */
export type Verdict = 'pass' | 'cut' | 'tear';

/** One command, or one transaction, and its replies. */
export interface Exchange {
  step: Step;
  words: string[];
  raw: Buffer;
  replies: Frame[];
  expectedReplies: number;
}

export class RedisLink {
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
