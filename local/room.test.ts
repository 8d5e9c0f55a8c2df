import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Room } from './room.ts';

/** Takes each amount in a room of 10. Returns the room, and who is in it. */
async function roomWith(...amounts: number[]) {
  const room = new Room(10);
  const inside: number[] = [];
  for (const amount of amounts) void room.take(amount).then(() => inside.push(amount));
  await turn();
  return { room, inside };
}

describe('a room', () => {
  it('lets in as many as fit', async () => {
    const { inside } = await roomWith(3, 7, 1);
    expect(inside).toEqual([3, 7]);
  });

  it('lets in the next one when there is room for it, and nobody before that', async () => {
    const { room, inside } = await roomWith(8, 5, 1);
    expect(inside).toEqual([8]);
    room.giveBack(8);
    await turn();
    expect(inside).toEqual([8, 5, 1]);
  });

  it('lets in one that is larger than the room, alone', async () => {
    const { room, inside } = await roomWith(1, 20, 1);
    expect(inside).toEqual([1]);
    room.giveBack(1);
    await turn();
    expect(inside).toEqual([1, 20]);
    room.giveBack(20);
    await turn();
    expect(inside).toEqual([1, 20, 1]);
  });
});
