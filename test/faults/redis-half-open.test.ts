// Redis vanishes silently: connections stay open but nothing passes through them any more. New connections
// work as before. Each test has to wait for a socket time-out, so they wait together.
import { afterAll, describe, expect, test } from 'vitest';
import { findFaults } from '../../chaos/nothing-lost.ts';
import { RedisProxy } from '../../chaos/redis-proxy.ts';
import { patient, Rig, rigTiles, type Member } from '../../chaos/rig.ts';
import { connectRedis, type Patience } from '../../functions/lib/redis/connection.ts';
import { until } from '../../functions/testing/until.ts';
import { RedisServer } from '../../local/redis-server.ts';

/** Ten seconds until a connection is closed, plus time for a busy machine. */
const BACK_MS = 20_000;
/** More than the system's buffers hold. */
const LARGE_BYTES = 16 << 20;

const rigs: Rig[] = [];
async function startRig(env: Record<string, string> = {}): Promise<Rig> {
  const rig = await Rig.start({ ...patient, ...env });
  rigs.push(rig);
  return rig;
}
afterAll(() => Promise.all(rigs.map((rig) => rig.stop())));

async function ready({ process }: Member): Promise<number> {
  return (await fetch(`${await process.ready()}/health/ready`)).status;
}

async function untilReadinessIs(status: number, members: Member[]): Promise<void> {
  await until(
    `all to answer ${status}`,
    async () => (await Promise.all(members.map(ready))).every((each) => each === status),
    BACK_MS,
  );
}

function blackHole(members: Member[]): void {
  for (const { proxy } of members) proxy.blackHole();
}

describe.concurrent('a Redis that vanishes', () => {
  test('is noticed by functions that are idle or wait, which log it and recover by themselves', async () => {
    const rig = await startRig();
    const members = [rig.split, rig.assemble, await rig.startWorker()];
    await untilReadinessIs(200, members);
    blackHole(members);
    await untilReadinessIs(503, members);
    await untilReadinessIs(200, members);
    expect(await findFaults(rig, [await rig.send('a.png')])).toEqual([]);
  });

  test('is noticed by a naive worker that waits for a tile', async () => {
    const rig = await startRig({ QUEUE_MODE: 'naive' });
    const worker = await rig.startWorker();
    await untilReadinessIs(200, [worker]);
    blackHole([worker]);
    await untilReadinessIs(503, [worker]);
    await untilReadinessIs(200, [worker]);
    expect(await findFaults(rig, [await rig.send('a.png')])).toEqual([]);
  });

  test('in the middle of the work costs no attempt', async () => {
    const rig = await startRig();
    const image = await rig.send('a.png');
    const { worker, passage } = await rig.startWorkerUntil({ step: 'ack', moment: 'request', nth: 3 });
    blackHole([worker]);
    passage.pass();
    expect(await findFaults(rig, [image], { deadlineMs: BACK_MS })).toEqual([]);
    const { attempts, reclaims } = await rig.status(image.id);
    expect({ attempts, reclaims }).toEqual({ attempts: rigTiles, reclaims: 0 });
  });

  test('while split takes an image in makes it answer 503, and the same request completes the image', async () => {
    const rig = await startRig();
    const stopped = rig.split.proxy.hold({ step: 'enqueue', moment: 'request', nth: 5 });
    const first = rig.post('a.png');
    await stopped;
    blackHole([rig.split]);
    const { response } = await first;
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);

    await untilReadinessIs(200, [rig.split]);
    const image = await rig.send('a.png');
    await rig.startWorker();
    expect(await findFaults(rig, [image])).toEqual([]);
  });

  test('because it hangs is noticed in the same way, and all functions recover when it continues', async () => {
    const rig = await startRig();
    const image = await rig.send('a.png');
    const { worker, passage } = await rig.startWorkerUntil({ step: 'ack', moment: 'request', nth: 3 });
    const members = [rig.split, rig.assemble, worker];
    process.kill(rig.redisServer.pid ?? 0, 'SIGSTOP');
    passage.pass();
    await untilReadinessIs(503, members);
    expect((await rig.post('bb.png')).response.status).toBe(503); // After the socket time-out.
    process.kill(rig.redisServer.pid ?? 0, 'SIGCONT');
    await untilReadinessIs(200, members);
    expect(await findFaults(rig, [image, await rig.send('bb.png')])).toEqual([]);
    const { attempts, reclaims } = await rig.status(image.id);
    expect({ attempts, reclaims }).toEqual({ attempts: rigTiles, reclaims: 0 });
  });

  const ends = { fails: 'Reached the max retries', waits: 'OK' };
  test.for(Object.entries(ends) as [Patience, string][])(
    'in the middle of a large write: a connection that %s ends it in time',
    async ([patience, end]) => {
      const server = await RedisServer.start();
      const proxy = await RedisProxy.start(server.port);
      const redis = connectRedis(proxy.url, patience);
      redis.on('error', () => {});
      await until('the connection', () => redis.status === 'ready');
      proxy.blackHole();
      const written = redis.set('large', Buffer.alloc(LARGE_BYTES)).catch((error: Error) => error.message);
      expect(await written).toContain(end);
      await until('the connection', () => redis.status === 'ready');
      expect(await redis.strlen('large')).toBe(patience === 'waits' ? LARGE_BYTES : 0);
      redis.disconnect();
      await proxy.close();
      await server.stop();
    },
  );
});
