// Tells the register of workers once a second that this worker is running, and how many tiles it has.
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkerLoad, Workers } from '../lib/queue/workers.ts';
import type { FaultLog } from '../lib/redis/fault-log.ts';

const EVERY_MS = 1000;
/** How long a stop waits for Redis. If Redis does not reply, the worker is shown as lost for a while. */
const LEAVE_MS = 500;
/** A pod's name has up to 63 characters. */
const MAX_HOST_LENGTH = 63;
const WHAT = 'The sign of life cannot be written';

export class SignOfLife {
  /** The pod's name, and a random part, because a pod may be started again and a machine may run several workers. */
  readonly id = `${hostname().slice(0, MAX_HOST_LENGTH)}-${randomBytes(3).toString('hex')}`;
  readonly #workers: Pick<Workers, 'beat' | 'leave'>;
  readonly #load: () => Omit<WorkerLoad, 'uptimeMs'>;
  readonly #faults: FaultLog;
  readonly #timer: NodeJS.Timeout;
  /** The sign that Redis has not confirmed yet. There is at most one, even if Redis is away for long. */
  #sending: Promise<void> | null = null;

  /** Starts at once. `load` returns the tiles in flight and done. */
  constructor(
    workers: Pick<Workers, 'beat' | 'leave'>,
    load: () => Omit<WorkerLoad, 'uptimeMs'>,
    faults: FaultLog,
  ) {
    this.#workers = workers;
    this.#load = load;
    this.#faults = faults;
    this.#timer = setInterval(() => this.#beat(), EVERY_MS).unref();
    this.#beat();
  }

  /** Removes the worker from the register, if Redis replies soon. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.race([this.#leave(), sleep(LEAVE_MS)]);
  }

  async #leave(): Promise<void> {
    await this.#sending; // Otherwise it could arrive afterwards.
    await this.#workers.leave(this.id).catch(() => {}); // The heartbeat logs faults of Redis.
  }

  #beat(): void {
    this.#sending ??= this.#send().finally(() => (this.#sending = null));
  }

  async #send(): Promise<void> {
    try {
      await this.#workers.beat(this.id, { uptimeMs: process.uptime() * 1000, ...this.#load() });
      this.#faults.over(WHAT);
    } catch (error) {
      this.#faults.met(WHAT, error);
    }
  }
}
