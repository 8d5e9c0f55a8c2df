// Scaling to zero leaves no work behind: leased, delayed and unsent work brings the workers back.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { FunctionProcess } from '../../local/function-process.ts';
import { Scaler, type ScalerState } from '../../local/scaler.ts';
import { isFull } from '../support/full.ts';
import { findFaults } from '../../chaos/nothing-lost.ts';
import { RedisProxy, type Stop } from '../../chaos/redis-proxy.ts';
import { Rig, rigTiles, type SentImage } from '../../chaos/rig.ts';
import { until } from '../../functions/testing/until.ts';

let rig: Rig;
let scaler: Scaler | null = null;
beforeAll(async () => {
  rig = await Rig.start();
});
afterEach(async () => {
  await scaler?.stop();
  await rig.reset();
});
afterAll(() => rig.stop());

/** Starts a scaler. Its first worker reaches Redis through `proxy`. */
function startScaler(max: number, proxy?: RedisProxy): ScalerState[] {
  const seen: ScalerState[] = [];
  let isFirst = true;
  scaler = new Scaler({
    redis: rig.redis,
    keyPrefix: rig.keyPrefix,
    target: 4,
    max,
    cooldownMs: 100,
    pollMs: 20,
    spawn: () => {
      const env = rig.workerEnv(isFirst && proxy ? { REDIS_URL: proxy.url } : {});
      isFirst = false;
      return new FunctionProcess('blur', { env });
    },
    onPoll: (state) => seen.push(state),
  });
  scaler.start();
  return seen;
}

async function untilZero(): Promise<void> {
  await until('the workers to be gone', () => scaler?.workers.length === 0);
}

describe('the last worker killed with nothing on the list', () => {
  const lastAck = ({ answer }: { answer: string }) => answer.endsWith('last');
  test.each([
    { held: 'a lease', stop: { step: 'ack', moment: 'request', nth: rigTiles } },
    { held: 'an event', stop: { step: 'ack', moment: 'reply', where: lastAck } },
  ] satisfies { held: string; stop: Stop }[])('but $held is finished by new workers', async ({ stop }) => {
    const proxy = await RedisProxy.start(rig.redisServer.port);
    const stopped = proxy.hold(stop);
    const image = await rig.send('a.png');
    const seen = startScaler(1, proxy);
    const passage = await stopped;
    expect(await rig.redis.llen('image:job:queue')).toBe(0);
    const [last] = scaler?.workers ?? [];
    last.signal('SIGKILL');
    await last.exited;
    passage.cut();

    expect(await findFaults(rig, [image])).toEqual([]);
    await untilZero();
    expect(seen.some(({ queue, leases, outbox }) => queue === 0 && leases + outbox > 0)).toBe(true);
    await proxy.close();
  });
});

describe('workers', () => {
  const cycles = isFull ? 50 : 3;
  test(`scaled from zero and back ${cycles} times lose nothing`, async () => {
    const seen = startScaler(2);
    const images: SentImage[] = [];
    for (let cycle = 0; cycle < cycles; cycle++) {
      await untilZero();
      seen.length = 0;
      const image = await rig.send(`cycle-${cycle}.png`);
      images.push(image);
      await until('the image', async () => (await rig.status(image.id)).status === 'done');
      await untilZero();
      expect(Math.max(...seen.map(({ running }) => running))).toBeGreaterThan(0);
    }
    expect(await findFaults(rig, images)).toEqual([]);
  });
});
