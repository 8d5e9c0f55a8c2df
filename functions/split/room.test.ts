import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Admission } from '../lib/queue/image-ledger.ts';
import { blobMemoryBytes } from '../lib/redis/blob.ts';
import { assertRoomFor, noMemory, noRoom, noShare } from './room.ts';

/** A ledger that always returns the same answer, and records what it was asked. */
class Ledger {
  readonly asked: Admission[] = [];
  canMakeRoom = false;
  readonly #waitMs: number | null;

  constructor(waitMs: number | null) {
    this.#waitMs = waitMs;
  }

  async waitForRoom(admission: Admission): Promise<number | null> {
    this.asked.push(admission);
    return this.#waitMs;
  }

  async makeRoom(): Promise<boolean> {
    return this.canMakeRoom;
  }
}

const admission = { bytes: 10, budgetBytes: 100 };
const config = { redisBudgetBytes: 100 };
/** These stores keep uploads in Redis. */
const stores = { uploads: { async keep() {} }, memoryBytes: blobMemoryBytes };

function upload(headers: Record<string, string>): IncomingMessage {
  return { headers } as unknown as IncomingMessage;
}

describe('a caller that finds no room', () => {
  it.each([
    [null, 1],
    [0, 1],
    [1, 1],
    [1001, 2],
    [90_000, 90],
    [9_000_000, 3600],
  ])('and has to wait %s ms is told to retry after %i s', async (waitMs, seconds) => {
    expect(await noRoom(new Ledger(waitMs), admission)).toMatchObject({
      code: 'over-budget',
      retryAfterSeconds: seconds,
    });
  });

  it('in its share of the budget is told to retry later', async () => {
    expect(await noShare(new Ledger(7000), admission)).toMatchObject({
      code: 'over-share',
      retryAfterSeconds: 7,
    });
    expect(await noShare(new Ledger(null), admission)).toMatchObject({ retryAfterSeconds: 5 });
  });

  it('because Redis is at its limit waits for all others', async () => {
    const ledger = new Ledger(4000);
    expect(await noMemory(ledger, admission)).toMatchObject({ code: 'over-budget', retryAfterSeconds: 4 });
    expect(ledger.asked).toEqual([{ bytes: 100, budgetBytes: 100 }]);
    expect(await noMemory(new Ledger(null), admission)).toMatchObject({ retryAfterSeconds: 10 });
  });

  it('because Redis is at its limit comes again at once when old results or records have made room', async () => {
    const ledger = new Ledger(4000);
    ledger.canMakeRoom = true;
    expect(await noMemory(ledger, admission)).toMatchObject({ code: 'over-budget', retryAfterSeconds: 1 });
  });
});

describe('an upload', () => {
  it('is refused by its length if there is no room for it', async () => {
    const ledger = new Ledger(3000);
    const refused = assertRoomFor(upload({ 'content-length': '5000' }), { config, ledger, stores });
    await expect(refused).rejects.toMatchObject({ code: 'over-budget', retryAfterSeconds: 3 });
    expect(ledger.asked[0].bytes).toBeGreaterThan(5000);
  });

  it('counts little if Redis does not keep it', async () => {
    for (const other of [{ uploads: null }, { memoryBytes: () => 0 }]) {
      const ledger = new Ledger(null);
      const parts = { config, ledger, stores: { ...stores, ...other } };
      await assertRoomFor(upload({ 'content-length': '5000' }), parts);
      expect(ledger.asked[0].bytes).toBeLessThan(5000);
    }
  });

  it('is admitted if there may be room', async () => {
    await assertRoomFor(upload({}), { config, ledger: new Ledger(null), stores });
  });

  it('is the only request that is checked', async () => {
    const ledger = new Ledger(3000);
    await assertRoomFor(upload({ 'content-type': 'application/json' }), { config, ledger, stores });
    expect(ledger.asked).toEqual([]);
  });
});

it('reports a Redis that cannot be reached', async () => {
  const ledger = {
    async waitForRoom(): Promise<never> {
      throw new Error('Connection is closed.');
    },
  };
  const refused = assertRoomFor(upload({}), { config, ledger, stores });
  await expect(refused).rejects.toMatchObject({ code: 'queue-unavailable' });
});
