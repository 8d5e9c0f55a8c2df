import { expect, it } from 'vitest';
import { InFlight } from './in-flight.ts';

it('never runs more tasks than its limit', async () => {
  const inFlight = new InFlight(3);
  let running = 0;
  let most = 0;
  for (let piece = 0; piece < 20; piece++) {
    await inFlight.add(async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    });
  }
  await inFlight.settle();
  expect(running).toBe(0);
  expect(most).toBe(3);
});

it('throws an error when the next task is added', async () => {
  const inFlight = new InFlight(1);
  await inFlight.add(() => Promise.reject(new Error('full')));
  await expect(inFlight.add(() => Promise.resolve())).rejects.toThrow('full');
});

it('throws an error when it settles, after everything has ended', async () => {
  const inFlight = new InFlight(5);
  let ended = false;
  await inFlight.add(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    ended = true;
  });
  await inFlight.add(() => Promise.reject(new Error('full')));
  await expect(inFlight.settle()).rejects.toThrow('full');
  expect(ended).toBe(true);
});
