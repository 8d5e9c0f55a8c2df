// A replica is promoted under load, behind one address. The old primary becomes its replica and keeps its
// connections.
import dns from 'node:dns';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findFaults } from '../../chaos/nothing-lost.ts';
import { patient, Rig, rigTiles, type Member } from '../../chaos/rig.ts';
import { connectRedis } from '../../functions/lib/redis/connection.ts';
import { until } from '../../functions/testing/until.ts';
import { RedisServer } from '../../local/redis-server.ts';

const BACK_MS = 15_000;

let rig: Rig;
let secondServer: RedisServer;
/** A connection to the server that becomes the primary. */
let second: Redis;

beforeEach(async () => {
  rig = await Rig.start(patient);
  secondServer = await RedisServer.start();
  second = secondServer.connect();
  await rig.redis.config('SET', 'repl-diskless-sync-delay', '0');
  await second.replicaof('127.0.0.1', rig.redisServer.port);
  await until('the replica to catch up', async () =>
    (await second.info('replication')).includes('master_link_status:up'),
  );
});
afterEach(async () => {
  second?.disconnect();
  await secondServer?.stop();
  await rig?.stop();
});

/** Promotes the replica as it is, then directs new connections to it. */
async function promote(members: Member[]): Promise<void> {
  await second.replicaof('NO', 'ONE');
  await leadAll(members);
  await rig.redis.replicaof('127.0.0.1', secondServer.port);
}

/** Promotes the replica when it has caught up. */
async function swap(members: Member[]): Promise<void> {
  await rig.redis.call('FAILOVER', 'TO', '127.0.0.1', secondServer.port);
  await until('the two to be swapped', async () => {
    const [role] = (await second.role()) as [string];
    return role === 'master';
  });
  await leadAll(members);
}

async function leadAll(members: Member[]): Promise<void> {
  for (const { proxy } of members) proxy.leadTo(secondServer.port);
}

async function isReady({ process }: Member): Promise<boolean> {
  return (await fetch(`${await process.ready()}/health/ready`)).ok;
}

/** Waits until each member has sent the new primary a command, and is ready. */
async function untilBack(members: Member[]): Promise<void> {
  const ports = async () => {
    const clients = (await second.client('LIST')) as string;
    return clients.split('\n').filter((line) => /cmd=eval/.test(line)).length;
  };
  await until('all to ask the new primary', async () => (await ports()) >= members.length, BACK_MS);
  await until(
    'all to be ready',
    async () => (await Promise.all(members.map(isReady))).every(Boolean),
    BACK_MS,
  );
}

describe('a failover', () => {
  test('without loss is followed by all busy functions, and costs no attempt', async () => {
    const images = [await rig.send('a.png'), await rig.send('bb.png')];
    const { worker, passage } = await rig.startWorkerUntil(
      { step: 'ack', moment: 'request', nth: 5 },
      patient,
    );
    const members = [rig.split, rig.assemble, worker];
    await swap(members);
    passage.pass();
    await untilBack(members);
    images.push(await rig.send('ccc.png'));

    const site = { redis: second, keyPrefix: rig.keyPrefix, outputPath: rig.outputPath };
    expect(await findFaults(site, images)).toEqual([]);
    const { attempts, reclaims } = await rig.status(images[0].id);
    expect({ attempts, reclaims }).toEqual({ attempts: rigTiles, reclaims: 0 });
  });

  test('is noticed by idle functions', async () => {
    const members = [rig.split, rig.assemble, await rig.startWorker()];
    await promote(members);
    await untilBack(members);
    expect((await rig.post('a.png')).response.status).toBe(202);
  });

  test('that loses an image: the same request completes it', async () => {
    const { worker, passage } = await rig.startWorkerUntil({ step: 'claim', moment: 'request' }, patient);
    const kept = await rig.send('a.png');
    await rig.redis.set('later', 'than all of the image'); // WAIT waits for what its own connection wrote.
    expect(await rig.redis.wait(1, BACK_MS)).toBe(1);
    await second.replicaof('NO', 'ONE');
    const lost = await rig.send('bb.png');
    passage.pass();
    await promote([rig.split, rig.assemble, worker]);
    await untilBack([rig.split, rig.assemble, worker]);
    expect(await second.exists(`${rig.keyPrefix}:${lost.id}:meta`)).toBe(0);

    const images = [kept, await rig.send('bb.png')];
    const site = { redis: second, keyPrefix: rig.keyPrefix, outputPath: rig.outputPath };
    expect(await findFaults(site, images)).toEqual([]);
  });
});

/** Only Linux has several addresses for this machine by default. */
test.skipIf(process.platform !== 'linux')('a name that points elsewhere is looked up again', async () => {
  let address = '127.0.0.1';
  const answer = (_host: string, _options: object, callback: (...found: unknown[]) => void) =>
    callback(null, [{ address, family: 4 }]);
  const lookup = vi.spyOn(dns, 'lookup').mockImplementation(answer as never);
  const { port } = rig.redisServer;
  const elsewhere = await RedisServer.start({ settings: { bind: '127.0.0.2', port: String(port) } });
  const redis = connectRedis(`redis://redis.example:${port}`, 'waits');
  redis.on('error', () => {}); // The server that goes away.
  try {
    await redis.set('here', 'yes');
    address = '127.0.0.2';
    await rig.redisServer.kill();
    expect(await redis.get('here')).toBeNull();
  } finally {
    redis.disconnect();
    lookup.mockRestore();
    await elsewhere.stop();
  }
});
