import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Admission } from '../lib/queue/image-room.ts';
import { blobMemoryBytes } from '../lib/redis/blob.ts';
import { assertRoomFor, noMemory, noRoom, noShare } from './room.ts';

/** A room that always returns the same answer, and records what it was asked. */
class FakeRoom {
  readonly asked: Admission[] = [];
  canBeMade = false;
  readonly #waitMs: number | null;

  constructor(waitMs: number | null) {
    this.#waitMs = waitMs;
  }

  async waitMs(admission: Admission): Promise<number | null> {
    this.asked.push(admission);
    return this.#waitMs;
  }

  async make(): Promise<boolean> {
    return this.canBeMade;
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
    expect(await noRoom(new FakeRoom(waitMs), admission)).toMatchObject({
      code: 'over-budget',
      retryAfterSeconds: seconds,
    });
  });

  it('in its share of the budget is told to retry later', async () => {
    expect(await noShare(new FakeRoom(7000), admission)).toMatchObject({
      code: 'over-share',
      retryAfterSeconds: 7,
    });
    expect(await noShare(new FakeRoom(null), admission)).toMatchObject({ retryAfterSeconds: 5 });
  });

  it('because Redis is at its limit waits for all others', async () => {
    const room = new FakeRoom(4000);
    expect(await noMemory(room, admission)).toMatchObject({ code: 'over-budget', retryAfterSeconds: 4 });
    expect(room.asked).toEqual([{ bytes: 100, budgetBytes: 100 }]);
    expect(await noMemory(new FakeRoom(null), admission)).toMatchObject({ retryAfterSeconds: 10 });
  });

  it('because Redis is at its limit comes again at once when old results or records have made room', async () => {
    const room = new FakeRoom(4000);
    room.canBeMade = true;
    expect(await noMemory(room, admission)).toMatchObject({ code: 'over-budget', retryAfterSeconds: 1 });
  });
});

describe('an upload', () => {
  it('is refused by its length if there is no room for it', async () => {
    const room = new FakeRoom(3000);
    const refused = assertRoomFor(upload({ 'content-length': '5000' }), { config, room, stores });
    await expect(refused).rejects.toMatchObject({ code: 'over-budget', retryAfterSeconds: 3 });
    expect(room.asked[0].bytes).toBeGreaterThan(5000);
  });

  it('counts little if Redis does not keep it', async () => {
    for (const other of [{ uploads: null }, { memoryBytes: () => 0 }]) {
      const room = new FakeRoom(null);
      const parts = { config, room, stores: { ...stores, ...other } };
      await assertRoomFor(upload({ 'content-length': '5000' }), parts);
      expect(room.asked[0].bytes).toBeLessThan(5000);
    }
  });

  it('is admitted if there may be room', async () => {
    await assertRoomFor(upload({}), { config, room: new FakeRoom(null), stores });
  });

  it('is the only request that is checked', async () => {
    const room = new FakeRoom(3000);
    await assertRoomFor(upload({ 'content-type': 'application/json' }), { config, room, stores });
    expect(room.asked).toEqual([]);
  });
});

it('reports a Redis that cannot be reached', async () => {
  const room = {
    async waitMs(): Promise<never> {
      throw new Error('Connection is closed.');
    },
  };
  const refused = assertRoomFor(upload({}), { config, room, stores });
  await expect(refused).rejects.toMatchObject({ code: 'queue-unavailable' });
});
