// Checks whether Redis accepts writes, by writing a key once a second. An idle connection does not notice that its server is
// gone or has become a replica.
import type { Redis } from 'ioredis';
import type { FaultLog } from './fault-log.ts';
import { isOutOfMemory } from './faults.ts';

const EVERY_MS = 1000;
/** A reply that takes longer counts as none. */
const LIMIT_MS = 1000;
/** The key is gone this long after the last function has stopped. */
const KEY_TTL_S = 10;
/** Redis may go over its memory limit and back many times. It is over when this many writes in a row succeed. */
const BEATS_WITH_ROOM = 5;

const WRITE = `return redis.call('SET', KEYS[1], '', 'EX', ${KEY_TTL_S})`;
/** A script that writes: Redis refuses it whenever it would refuse the queue's scripts or their writes. */
const SCRIPT = `#!lua\n${WRITE}`;
/**
 * At the memory limit this one succeeds, like the scripts that end work: a function that can still run those is ready.
 */
const SCRIPT_AT_LIMIT = `#!lua flags=allow-oom\n${WRITE}`;
const WHAT = 'Redis';
const MEMORY = "Redis's memory";

/** The key that the functions of a deployment write to. */
export function heartbeatKey(keyPrefix: string): string {
  return `${keyPrefix}:heartbeat`;
}

export class Heartbeat {
  readonly #redis: Redis;
  readonly #key: string;
  readonly #faults: FaultLog;
  readonly #timer: NodeJS.Timeout;
  #isAsking = false;
  #isWell = false;
  #isStopped = false;
  /** How often in a row Redis was not at its memory limit. */
  #beatsWithRoom = 0;

  /** Starts at once, and checks again after every reconnect. */
  constructor(redis: Redis, keyPrefix: string, faults: FaultLog) {
    this.#redis = redis;
    this.#key = heartbeatKey(keyPrefix);
    this.#faults = faults;
    this.#timer = setInterval(() => void this.#ask(), EVERY_MS).unref();
    redis.on('ready', () => void this.#ask());
    redis.on('close', () => (this.#isWell = false));
    redis.on('error', (error: Error) => this.#fail(error));
  }

  /** Whether Redis accepted the last write, about a second ago. */
  get isWell(): boolean {
    return this.#isWell;
  }

  /** Stops the heartbeat. To be called before the connection is closed. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  async #ask(): Promise<void> {
    if (this.#isAsking || this.#redis.status !== 'ready') return;
    this.#isAsking = true;
    // A reply that arrived while the event loop was busy is read before the immediate runs.
    const limit = setTimeout(() => setImmediate(() => this.#isAsking && this.#fail(overdue())), LIMIT_MS);
    try {
      await this.#write();
      this.#isWell = true;
      this.#faults.over(WHAT);
    } catch (error) {
      this.#fail(error);
    } finally {
      clearTimeout(limit);
      this.#isAsking = false;
    }
  }

  /** Writes the key, at the memory limit too, and reports whether Redis is there. */
  async #write(): Promise<void> {
    try {
      await this.#redis.eval(SCRIPT, 1, this.#key);
      this.#beatsWithRoom++;
      if (this.#beatsWithRoom >= BEATS_WITH_ROOM) this.#faults.over(MEMORY);
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
      await this.#redis.eval(SCRIPT_AT_LIMIT, 1, this.#key);
      this.#beatsWithRoom = 0;
      this.#faults.met(MEMORY, error);
    }
  }

  #fail(error: unknown): void {
    if (this.#isStopped) return;
    this.#isWell = false;
    this.#faults.met(WHAT, error);
  }
}

function overdue(): Error {
  return Object.assign(new Error(`Redis did not answer within ${LIMIT_MS} ms`), { code: 'ETIMEDOUT' });
}
