import { afterEach, describe, expect, it } from 'vitest';
import type { Log } from '../lib/log.ts';
import type { AckAnswer, Claim, TileQueue } from '../lib/queue/tile-queue.ts';
import { FaultLog } from '../lib/redis/fault-log.ts';
import { until } from '../testing/until.ts';
import { Consumer, type ConsumerParts } from './consumer.ts';

function claimOf(tile: number): Claim {
  const job = { imageId: 'a'.repeat(24), tile };
  return {
    job,
    token: `${tile}`,
    attempt: 1,
    source: null,
    width: 1,
    height: 1,
    tileSizePx: 1,
    recipe: '1',
    trace: '',
  };
}

/** A queue in memory that records what was done with its tiles. `claimGate` delays claims until it resolves. */
class FakeQueue implements TileQueue {
  readonly ready: Claim[];
  readonly done: string[] = [];
  claims = 0;
  refused = 0;
  extended = 0;
  closed = false;
  stopped = false;
  claimFault: Error | null = null;
  /** Thrown by the next ack, once. */
  ackFault: Error | null = null;
  ackAnswer: AckAnswer = 'acked';
  failAnswer: 'delayed' | 'stale' = 'delayed';
  claimGate: Promise<void> = Promise.resolve();
  /** Resolves waits for a tile. */
  #arrived = Promise.withResolvers<void>();

  constructor(tiles: number) {
    this.ready = Array.from({ length: tiles }, (_, tile) => claimOf(tile));
  }

  push(tile: number): void {
    this.ready.push(claimOf(tile));
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }

  async claim(): Promise<Claim | null> {
    if (this.claimFault) {
      this.refused++;
      throw this.claimFault;
    }
    const claim = this.ready.shift() ?? null;
    if (claim) this.claims++;
    await this.claimGate;
    return claim;
  }

  wait(): Promise<void> {
    return this.ready.length > 0 ? Promise.resolve() : this.#arrived.promise;
  }

  async extend(): Promise<'extended'> {
    this.extended++;
    return 'extended';
  }

  async ack({ job }: Claim): Promise<AckAnswer> {
    const fault = this.ackFault;
    this.ackFault = null;
    if (fault) throw fault;
    this.done.push(`ack ${job.tile}`);
    return this.ackAnswer;
  }

  async fail({ job }: Claim, reason: string): Promise<'delayed' | 'stale'> {
    this.done.push(`fail ${job.tile}: ${reason}`);
    return this.failAnswer;
  }

  async release({ job }: Claim): Promise<'released'> {
    this.done.push(`release ${job.tile}`);
    return 'released';
  }

  async stopClaiming(): Promise<void> {
    this.stopped = true;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

/** Blurs each tile when the test says so. */
class FakeConvolver {
  running: number[] = [];
  most = 0;
  readonly #gates = new Map<number, PromiseWithResolvers<Uint8Array>>();

  readonly convolve = async ({ job }: Claim): Promise<Uint8Array> => {
    this.running.push(job.tile);
    this.most = Math.max(this.most, this.running.length);
    const gate = Promise.withResolvers<Uint8Array>();
    this.#gates.set(job.tile, gate);
    try {
      return await gate.promise;
    } finally {
      this.running = this.running.filter((tile) => tile !== job.tile);
    }
  };

  finish(tile: number): void {
    this.#gates.get(tile)?.resolve(new Uint8Array(1));
  }

  fail(tile: number, reason: string): void {
    this.#gates.get(tile)?.reject(new Error(reason));
  }
}

let consumer: Consumer;

function consume(queue: FakeQueue, parts: Partial<ConsumerParts> = {}) {
  const convolver = new FakeConvolver();
  const logged: string[] = [];
  const note = (message: string) => logged.push(message);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  let announced = 0;
  consumer = new Consumer({
    queue,
    convolve: convolver.convolve,
    announce: async () => {
      announced++;
    },
    announced: async () => {},
    slots: 3,
    leaseMs: 60_000,
    log,
    faults: new FaultLog(log),
    jitter: () => 0,
    ...parts,
  });
  return { convolver, logged, announcements: () => announced };
}

afterEach(async () => {
  await consumer.stop(0);
});

describe('a consumer that was idle', () => {
  it('claims one tile alone, and several at once after that one has succeeded', async () => {
    const queue = new FakeQueue(5);
    const { convolver } = consume(queue);
    consumer.start();
    await until('the first tile', () => convolver.running.length === 1);
    await expect(until('a second one', () => queue.claims > 1, 100)).rejects.toThrow('a second one');
    convolver.finish(0);
    await until('three tiles at once', () => convolver.running.length === 3);
    expect(queue.done).toEqual(['ack 0']);
  });

  it('keeps the other slots out after a first tile that failed', async () => {
    const queue = new FakeQueue(5);
    const { convolver } = consume(queue);
    consumer.start();
    await until('the first tile', () => convolver.running.length === 1);
    convolver.fail(0, 'it broke');
    await until('the next tile', () => convolver.running.includes(1));
    await expect(until('a second one', () => convolver.running.length > 1, 100)).rejects.toThrow(
      'a second one',
    );
    expect(queue.done).toEqual(['fail 0: it broke']);
  });

  it('starts as soon as a tile arrives', async () => {
    const queue = new FakeQueue(0);
    const { convolver } = consume(queue);
    consumer.start();
    await consumer.firstPoll;
    queue.push(7);
    await until('the tile', () => convolver.running.includes(7));
  });
});

describe('a consumer', () => {
  it.each([
    ['delayed', 'warn A tile failed'],
    ['stale', 'debug A failed tile no longer belongs to this claim'],
  ] as const)('logs a tile that failed and was %s', async (answer, wanted) => {
    const queue = new FakeQueue(1);
    queue.failAnswer = answer;
    const logged: string[] = [];
    const note = (severity: string) => (message: string) => logged.push(`${severity} ${message}`);
    const log: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
    const { convolver } = consume(queue, { log });
    consumer.start();
    await until('the tile', () => convolver.running.length === 1);
    convolver.fail(0, 'its source pixels are gone');
    await until('the log', () => logged.length > 0);
    expect(logged).toEqual([wanted]);
  });

  it('continues after a failed claim, and logs it', async () => {
    const queue = new FakeQueue(1);
    queue.claimFault = new Error('no Redis');
    const { convolver, logged } = consume(queue);
    consumer.start();
    await until('the fault in the log', () => logged.length > 0);
    queue.claimFault = null;
    await until('the tile', () => convolver.running.length === 1);
  });

  it('pauses after a failed claim, even if there are tiles', async () => {
    const queue = new FakeQueue(1);
    queue.claimFault = new Error('no Redis');
    consume(queue, { jitter: () => 10 }); // A pause of 10 s.
    consumer.start();
    await until('the first claim', () => queue.refused === 1);
    await expect(until('another one', () => queue.refused > 1, 500)).rejects.toThrow('another one');
  });

  it('pauses for longer, the more jitter there is', async () => {
    const queue = new FakeQueue(0);
    consume(queue, { jitter: () => 10_000 }); // A pause of 50 s.
    consumer.start();
    await consumer.firstPoll;
    queue.push(0);
    await expect(until('a claim', () => queue.claims > 0, 300)).rejects.toThrow('a claim');
  });

  it('extends the lease of a tile in flight, and not after it is settled', async () => {
    const queue = new FakeQueue(1);
    const { convolver } = consume(queue, { leaseMs: 30 });
    consumer.start();
    await until('three extensions', () => queue.extended >= 3);
    convolver.finish(0);
    await until('the ack', () => queue.done.length === 1);
    const { extended } = queue;
    await expect(until('another one', () => queue.extended > extended, 100)).rejects.toThrow('another one');
  });

  it('sends the event at once after the ack of an image’s last tile', async () => {
    const queue = new FakeQueue(1);
    queue.ackAnswer = 'last';
    const { convolver, announcements } = consume(queue);
    consumer.start();
    await until('the tile', () => convolver.running.length === 1);
    const before = announcements();
    convolver.finish(0);
    await until('the event', () => announcements() === before + 1);
  });

  it('leaves a tile whose ack fails to its lease, and continues', async () => {
    const queue = new FakeQueue(2);
    const { convolver, logged } = consume(queue);
    queue.ackFault = new Error('cut off');
    consumer.start();
    await until('the first tile', () => convolver.running.includes(0));
    convolver.finish(0);
    await until('the second tile', () => convolver.running.includes(1));
    convolver.finish(1);
    await until('the second ack', () => queue.done.includes('ack 1'));
    expect(logged.some((message) => message.includes('lease will expire'))).toBe(true);
  });
});

describe('a consumer whose Redis refuses', () => {
  it('acks a result when Redis accepts it, and extends the lease until then', async () => {
    const queue = new FakeQueue(2);
    const { convolver, logged } = consume(queue, { leaseMs: 300 });
    queue.ackFault = new Error("READONLY You can't write against a read only replica.");
    consumer.start();
    await until('the tile', () => convolver.running.includes(0));
    convolver.finish(0);
    await until('the ack', () => queue.done.includes('ack 0'));
    expect(queue.extended).toBeGreaterThan(0);
    expect(logged.filter((message) => message.includes('Redis'))).toEqual([
      'Redis refuses commands',
      'Redis is back',
    ]);
  });

  it('logs it once, however often it claims', async () => {
    const queue = new FakeQueue(0);
    queue.claimFault = new Error('BUSY Redis is busy running a script.');
    const { logged } = consume(queue);
    consumer.start();
    await until('three claims', () => queue.refused >= 3);
    expect(logged).toEqual(['Redis refuses commands']);
  });
});

describe('a consumer that stops', () => {
  it('finishes the tiles in flight and claims no more', async () => {
    const queue = new FakeQueue(5);
    const { convolver } = consume(queue);
    consumer.start();
    await until('the first tile', () => convolver.running.length === 1);
    const stopped = consumer.stop(60_000);
    convolver.finish(0);
    await stopped;
    expect(queue.done).toEqual(['ack 0']);
    expect(queue.ready.length).toBe(4);
  });

  it('releases the tiles that are not finished in time', async () => {
    const queue = new FakeQueue(5);
    const { convolver } = consume(queue);
    consumer.start();
    await until('the first tile', () => convolver.running.length === 1);
    await consumer.stop(10);
    expect(queue.done).toEqual(['release 0']);
  });

  it('makes the queue end a claim that waits for a tile', async () => {
    const queue = new FakeQueue(0);
    consume(queue);
    consumer.start();
    await consumer.stop(10);
    expect(queue.stopped).toBe(true);
  });

  it('releases a tile whose claim returns after the time limit', async () => {
    const queue = new FakeQueue(1);
    const gate = Promise.withResolvers<void>();
    queue.claimGate = gate.promise;
    consume(queue);
    consumer.start();
    await until('the claim', () => queue.claims === 1);
    const stopped = consumer.stop(10);
    await expect(until('an answer', () => queue.done.length > 0, 50)).rejects.toThrow('an answer');
    gate.resolve();
    await stopped;
    expect(queue.done).toEqual(['release 0']);
  });
});

describe('a request to drain', () => {
  it('processes all ready tiles in all slots, sends the events, and returns the number of tiles', async () => {
    const queue = new FakeQueue(7);
    const { convolver, announcements } = consume(queue);
    const drained = consumer.drainQueue();
    for (let tile = 0; tile < 7; tile++) {
      await until(`tile ${tile}`, () => convolver.running.includes(tile));
      convolver.finish(tile);
    }
    expect(await drained).toBe(7);
    expect(convolver.most).toBe(3);
    expect(queue.done.length).toBe(7);
    expect(announcements()).toBe(1);
  });

  it('is completed by a consumer that stops', async () => {
    const queue = new FakeQueue(5);
    const { convolver } = consume(queue);
    const drained = consumer.drainQueue();
    await until('three tiles', () => convolver.running.length === 3);
    let isStopped = false;
    const stopped = consumer.stop(60_000).then(() => (isStopped = true));
    for (const tile of [0, 1]) convolver.finish(tile);
    await until('two acks', () => queue.done.length === 2);
    expect(isStopped).toBe(false);
    convolver.finish(2);
    await stopped;
    expect(await drained).toBe(3);
    expect(queue.done).toEqual(['ack 0', 'ack 1', 'ack 2']);
  });

  it('releases its tiles if they are not finished in time', async () => {
    const queue = new FakeQueue(1);
    const { convolver } = consume(queue);
    const drained = consumer.drainQueue();
    await until('the tile', () => convolver.running.length === 1);
    await consumer.stop(10);
    expect(queue.done).toEqual(['release 0']);
    convolver.finish(0);
    await drained;
  });

  it('fails only after the other slots have finished their tiles', async () => {
    const queue = new FakeQueue(2);
    const { convolver } = consume(queue, { slots: 2 });
    const drained = consumer.drainQueue();
    let isOver = false;
    drained.catch(() => (isOver = true));
    await until('two tiles', () => convolver.running.length === 2);
    queue.claimFault = new Error('no Redis');
    convolver.finish(0);
    await until('the ack', () => queue.done.includes('ack 0'));
    expect(isOver).toBe(false);
    convolver.finish(1);
    await expect(drained).rejects.toThrow('no Redis');
    expect(queue.done).toEqual(['ack 0', 'ack 1']);
  });

  it('fails when the queue does', async () => {
    const queue = new FakeQueue(1);
    queue.claimFault = new Error('no Redis');
    consume(queue);
    await expect(consumer.drainQueue()).rejects.toThrow('no Redis');
  });
});
