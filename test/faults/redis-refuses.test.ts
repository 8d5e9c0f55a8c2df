// Redis is running but refuses commands: every function logs it once, waits, and continues by itself.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findFaults } from '../../chaos/nothing-lost.ts';
import { patient, Rig, rigTiles, type Member } from '../../chaos/rig.ts';
import { until } from '../../functions/testing/until.ts';
import { isFull } from '../support/full.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start({}, { settings: { 'enable-debug-command': 'local' } });
});
afterEach(() => rig.reset());
afterAll(() => rig.stop());

interface State {
  begin: () => Promise<unknown>;
  end: () => Promise<unknown>;
  /** How split answers an upload meanwhile; 503 by default. */
  status?: number;
  /** Whether all functions stay ready. */
  isReady?: boolean;
  /** The command that functions keep sending meanwhile; the heartbeat's script by default. */
  asking?: string;
  /** Other log lines that are allowed. */
  tolerated?: string;
}

const config = (name: string, value: string) => rig.redis.config('SET', name, value);

/** Redis writes a snapshot to a file of this name, which fails if a folder has the name. */
async function snapshotPath(): Promise<string> {
  const [, dir] = (await rig.redis.config('GET', 'dir')) as [string, string];
  return join(dir, 'dump.rdb');
}

async function untilSnapshotIs(status: 'ok' | 'err'): Promise<void> {
  await rig.redis.bgsave();
  await until('the snapshot', async () =>
    (await rig.redis.info('persistence')).includes(`rdb_last_bgsave_status:${status}`),
  );
}

const states: Record<string, State> = {
  BUSY: {
    begin: async () => {
      await config('busy-reply-threshold', '50');
      const endless = rig.redisServer.connect();
      endless.eval('while true do end', 0).catch(() => endless.disconnect());
    },
    end: async () => {
      await rig.redis.script('KILL');
      await until('the script to end', () => rig.redis.ping().catch(() => null));
      await config('busy-reply-threshold', '5000');
    },
  },
  LOADING: {
    begin: async () => {
      // Many small steps: between two of them Redis replies quickly.
      await rig.redis.debug('POPULATE', 300, 'filler', 2000);
      await config('rdbcompression', 'no');
      await config('loading-process-events-interval-bytes', '1024');
      await config('key-load-delay', '30000');
      const reloading = rig.redisServer.connect();
      void reloading.debug('RELOAD').finally(() => reloading.disconnect());
      await until('the loading', () =>
        rig.redis.ping().then(
          () => false,
          () => true,
        ),
      );
    },
    end: () => config('key-load-delay', '0'),
  },
  MISCONF: {
    begin: async () => {
      await config('save', '3600 1');
      await rm(await snapshotPath(), { force: true });
      await mkdir(await snapshotPath());
      await untilSnapshotIs('err');
    },
    end: async () => {
      await rm(await snapshotPath(), { recursive: true });
      await config('save', '');
      await untilSnapshotIs('ok');
    },
  },
  NOPERM: {
    begin: () => rig.redis.call('ACL', 'SETUSER', 'default', '-eval', '-evalsha'),
    end: () => rig.redis.call('ACL', 'SETUSER', 'default', '+@all'),
  },
  'NOPERM for all that writes': {
    begin: () => rig.redis.call('ACL', 'SETUSER', 'default', '-@write'),
    end: () => rig.redis.call('ACL', 'SETUSER', 'default', '+@all'),
  },
  'NOPERM for writing to the keys': {
    begin: () => rig.redis.call('ACL', 'SETUSER', 'default', 'resetkeys', '%R~*'),
    end: () => rig.redis.call('ACL', 'SETUSER', 'default', 'allkeys'),
  },
  OOM: {
    begin: () => config('maxmemory', '1'),
    end: () => config('maxmemory', '0'),
    status: 429,
    isReady: true,
  },
  READONLY: {
    begin: () => rig.redis.replicaof('127.0.0.1', 1),
    end: () => rig.redis.replicaof('NO', 'ONE'),
  },
  MASTERDOWN: {
    begin: async () => {
      await config('replica-serve-stale-data', 'no');
      await rig.redis.replicaof('127.0.0.1', 1);
    },
    end: () => rig.redis.replicaof('NO', 'ONE'),
  },
  NOREPLICAS: {
    begin: () => config('min-replicas-to-write', '1'),
    end: () => config('min-replicas-to-write', '0'),
  },
  NOAUTH: {
    begin: async () => {
      await config('requirepass', 'secret');
      await rig.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    },
    end: () => config('requirepass', ''),
    asking: 'hello',
    tolerated: 'WARNING Redis cannot be reached', // Logged by a client that was cut off in the middle of a command.
  },
};

interface LogLine {
  severity: string;
  component: string;
  message: string;
}

/** This is logged for each event. */
const ofOthers = 'The event was not accepted and will be sent again';

/** What a function has logged about Redis and other faults, each line as `severity message`. */
function toldBy(component: string): string[] {
  return rig.logged
    .map((line) => JSON.parse(line) as LogLine)
    .filter((line) => line.component === component && line.message !== ofOthers)
    .filter(({ severity, message }) => severity !== 'INFO' || message.includes('Redis'))
    .map(({ severity, message }) => `${severity} ${message}`);
}

async function untilReadinessIs(status: number, members: Member[]): Promise<void> {
  const answers = () =>
    Promise.all(members.map(async ({ process }) => fetch(`${await process.ready()}/health/ready`)));
  await until(`all to answer ${status}`, async () =>
    (await answers()).every((each) => each.status === status),
  );
}

/** Waits until each function has sent Redis a few more commands: enough to repeat itself in the log. */
async function untilAskedAgain(members: Member[], step: string): Promise<void> {
  const passages = members.map(({ proxy }) => proxy.hold({ step, moment: 'request', nth: 3 }));
  await Promise.all(passages.map(async (passage) => (await passage).pass()));
}

// BUSY is not among them: while a script runs, Redis uses a whole core.
const shortForm = new Set(['LOADING', 'OOM', 'NOPERM for all that writes']);
const chosen = Object.entries(states).filter(([name]) => isFull || shortForm.has(name));

describe.each(chosen)('%s', (_, state) => {
  const { begin, end, asking = 'eval', status = 503, isReady = false, tolerated } = state;

  async function expectRefusal(): Promise<void> {
    const { response } = await rig.post('bb.png');
    expect(response.status).toBe(status);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  }

  test('is logged once, answered with Retry-After, and costs no attempt', async () => {
    const image = await rig.send('a.png');
    const { worker, passage } = await rig.startWorkerUntil(
      { step: 'ack', moment: 'request', nth: 3 },
      patient,
    );
    const members = [rig.split, rig.assemble, worker];
    await untilReadinessIs(200, members);
    rig.logged.length = 0;

    await begin();
    passage.pass();
    await untilReadinessIs(isReady ? 200 : 503, members);
    await untilAskedAgain(members, asking);
    await expectRefusal();
    const drained = await fetch(await worker.process.ready(), { method: 'POST' });
    expect(drained.status).toBe(isReady ? 200 : 503);
    await end();

    const later = await rig.send('bb.png');
    expect(await findFaults(rig, [image, later])).toEqual([]);
    const { attempts, reclaims } = await rig.status(image.id);
    expect({ attempts, reclaims }).toEqual({ attempts: rigTiles, reclaims: 0 });
    await untilReadinessIs(200, members);
    const wanted = ['WARNING Redis refuses commands', 'INFO Redis is back'];
    const told = (component: string) => toldBy(component).filter((line) => line !== tolerated);
    await until('all to say that it is over', () =>
      ['split', 'assemble', 'blur'].every((component) => told(component).includes(wanted[1])),
    );
    expect({
      split: told('split'),
      assemble: told('assemble'),
      blur: told('blur'),
    }).toEqual({ split: wanted, assemble: wanted, blur: wanted });
  });
});

test('a command that only uploads need is refused: split says so once, and once that it is over', async () => {
  await untilReadinessIs(200, [rig.split]);
  rig.logged.length = 0;
  await rig.redis.call('ACL', 'SETUSER', 'default', '-hset');
  for (let times = 0; times < 2; times++) expect((await rig.post('a.png')).response.status).toBe(503);
  await rig.redis.call('ACL', 'SETUSER', 'default', '+@all');
  await rig.send('a.png');
  await until('split to say that it is over', () => toldBy('split').length > 1);
  expect(toldBy('split')).toEqual(['WARNING Redis refuses commands', 'INFO Redis is back']);
});
