import { afterEach, describe, expect, test } from 'vitest';
import { createLog } from '../lib/log.ts';
import { FaultLog } from '../lib/redis/fault-log.ts';
import { until } from '../testing/until.ts';
import { SignOfLife } from './sign-of-life.ts';

const faults = new FaultLog(createLog('blur', 'silent'));
let sign: SignOfLife | null = null;
afterEach(() => sign?.stop());

describe('a sign of life', () => {
  test('is sent at once and again, with the load of that moment', async () => {
    const loads: unknown[] = [];
    let done = 0;
    const beat = async (_id: string, load: object) => {
      loads.push(load);
      return 'noted' as const;
    };
    sign = new SignOfLife({ beat, leave: async () => {} }, () => ({ inFlight: 1, done: done++ }), faults);
    expect(loads).toMatchObject([{ inFlight: 1, done: 0 }]);
    await until('the next one', () => loads.length > 1);
    expect(loads[1]).toMatchObject({ inFlight: 1, done: 1 });
  });

  test('is not sent while Redis has not confirmed the last one', async () => {
    let beats = 0;
    let ticks = 0;
    const beat = () => {
      beats++;
      return new Promise<never>(() => {});
    };
    const load = () => ({ inFlight: 0, done: 0 });
    sign = new SignOfLife({ beat, leave: async () => {} }, load, faults);
    const timer = setInterval(() => ticks++, 1000);
    await until('two more seconds', () => ticks === 2);
    clearInterval(timer);
    expect(beats).toBe(1);
  });

  test('of one worker differs from that of another on the same machine', async () => {
    const workers = { beat: async () => 'noted' as const, leave: async () => {} };
    const signs = [1, 2].map(() => new SignOfLife(workers, () => ({ inFlight: 0, done: 0 }), faults));
    expect(signs[0].id).not.toBe(signs[1].id);
    await Promise.all(signs.map((each) => each.stop()));
  });

  test('that is in progress does not arrive after the worker has left', async () => {
    const order: string[] = [];
    const beat = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      order.push('beat');
      return 'noted' as const;
    };
    const leave = async () => void order.push('leave');
    await new SignOfLife({ beat, leave }, () => ({ inFlight: 0, done: 0 }), faults).stop();
    expect(order).toEqual(['beat', 'leave']);
  });

  test('does not keep a worker from stopping when Redis does not reply', async () => {
    const never = () => new Promise<never>(() => {});
    const load = () => ({ inFlight: 0, done: 0 });
    await expect(new SignOfLife({ beat: never, leave: never }, load, faults).stop()).resolves.toBeUndefined();
  });
});
