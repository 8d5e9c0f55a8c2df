// The whole pipeline over TLS, with a Redis user for each function, under the access list for operators.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { EventGate } from '../../chaos/event-gate.ts';
import { imageKeys, queueKeys } from '../../functions/lib/queue/keys.ts';
import { scriptNames, type ScriptName } from '../../functions/lib/queue/script-text.ts';
import { redisFault } from '../../functions/lib/redis/faults.ts';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { FunctionProcess, type FunctionName } from '../../local/function-process.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { accessList, GuardedRedis } from '../support/guarded-redis.ts';
import { GuardedSplit } from '../support/guarded-split.ts';
import { commandsOfScript } from '../support/lua-commands.ts';

/** The scripts that each user may run. All commands that they may call count, whether or not a test reaches them. */
const scriptsOf: Record<string, ScriptName[]> = {
  split: [
    'begin',
    'enqueue',
    'cancel',
    'forget',
    'newest',
    'sweep',
    'take-blob',
    'drop-result',
    'wait-for-room',
    'make-room',
    'counts',
    'workers',
    'tile-map',
    'requeue',
    'measures',
  ],
  blur: [
    'claim',
    'extend',
    'ack',
    'fail',
    'release',
    'due',
    'note-fault',
    'naive-ack',
    'sweep',
    'next-notice',
    'retry-notice',
    'close-notice',
    'beat',
  ],
  assemble: ['finish', 'note-fault', 'sweep', 'put-part', 'take-blob'],
  operator: ['requeue', 'cancel', 'sweep', 'counts'],
  keda: [],
};
/**
 * What the recorded calls do not show: the commands inside KEDA's script and the heartbeat's, and a command
 * that MONITOR leaves out.
 */
const otherCalls: Record<string, string[]> = {
  keda: ['type', 'llen', 'zcard'],
  blur: ['client|unblock'],
  assemble: ['set'],
};
/** These need no permission. */
const free = new Set(['hello']);

let guarded: GuardedRedis;
let folder: string;
let gate: EventGate;
let receiver: EventReceiver;
let processes: FunctionProcess[] = [];

beforeAll(async () => {
  guarded = await GuardedRedis.start();
  folder = await mkdtemp(join(tmpdir(), 'tessera-acl-'));
  gate = await EventGate.start(() => only('assemble').ready());
  receiver = await EventReceiver.start();
});
afterEach(async () => {
  await Promise.all(processes.map((each) => each.stop()));
  processes = [];
  await guarded.admin.flushall();
  guarded.visitor = null;
  gate.reset();
  receiver.reset();
});
afterAll(async () => {
  await gate?.close();
  await receiver?.close();
  await guarded?.stop();
  await rm(folder, { recursive: true });
});

function only(name: FunctionName): FunctionProcess {
  const found = processes.find((each) => each.name === name);
  if (!found) throw new Error(`${name} is not started`);
  return found;
}

async function start(name: FunctionName, env: Record<string, string>): Promise<string> {
  const settings = { TILE_SIZE: '64', MAX_ATTEMPTS: '1', ANNOUNCE_RETRY_MS: '100' };
  const sinks = { K_SINK: gate.url, DONE_SINK: receiver.url };
  const paths = { INPUT_PATH: folder, OUTPUT_PATH: join(folder, 'output') };
  const started = new FunctionProcess(name, {
    env: { ...settings, ...sinks, ...paths, ...guarded.envOf(name), ...env },
  });
  processes.push(started);
  return started.healthy();
}

describe('the access list of Redis', () => {
  const modes = ['file', 'redis'].flatMap((store) => ['lease', 'naive'].map((queue) => [store, queue]));

  test.each(modes)(
    'is enough for the whole pipeline with STORE=%s and QUEUE_MODE=%s',
    async (store, queue) => {
      const env = { STORE: store, QUEUE_MODE: queue };
      const split = new GuardedSplit(await start('split', env), guarded);
      await start('assemble', env);
      const { admin } = guarded;

      const cancelled = await split.send('cancelled.png');
      expect((await split.delete(cancelled)).status).toBe(200);
      const damaged = (await toPng(picture(150, 80))).subarray(0, 4000);
      expect((await split.post('?name=damaged.png', damaged)).status).toBe(422);

      // Its event is held back until one of its cores has been moved away, so that assemble cannot write it
      // at first.
      gate.handle = async () => 503;
      const held = await split.send('held.png');
      for (const request of [{}, { input: 'held.png' }]) await split.post('', JSON.stringify(request));
      await guarded.checkRefusals();
      await start('blur', env);
      await split.untilIs(held, 'blurred');
      const core = imageKeys('image', held).out(0);
      await admin.rename(core, 'aside');
      gate.reset();
      await guarded.until('the fault', async () => (await split.image(held)).error);
      await admin.rename('aside', core);
      await split.untilIs(held, 'done');
      expect((await split.get(`/images/${held}/result`)).status).toBe(200);
      // Scripts are sent as text the first time, and by digest later.
      for (let times = 0; times < 2; times++) expect((await split.get('/images')).status).toBe(200);
      for (const path of ['/queue', '/dead-letters', `/images/${held}/tiles`]) {
        expect((await split.get(path)).status).toBe(200);
      }
      await split.untilIs(await split.send('another.png'), 'done');
      await guarded.until('the done events', async () => receiver.subjects().size === 2);

      expect((await split.delete(held)).status).toBe(200);
      expect((await split.get(`/images/${held}/result`)).status).toBe(410);
      await guarded.checkRefusals();
    },
  );

  test('is enough for an operator', async () => {
    const split = new GuardedSplit(await start('split', {}), guarded);
    const ids = [await split.send('a.png'), await split.send('bb.png')];
    for (const id of ids) await guarded.admin.set(imageKeys('image', id).src(0), 'no pixels');
    await start('blur', {});
    guarded.visitor = 'operator';
    const run = async (...words: string[]) => {
      const environment = { PATH: process.env.PATH, ...guarded.envOf('operator') };
      const { stdout } = await promisify(execFile)(process.execPath, words, { env: environment });
      await guarded.checkRefusals();
      return stdout;
    };
    const deadLetters = (...words: string[]) => run('scripts/dead-letters.ts', ...words);
    const dead = async () => (await guarded.admin.zcard(queueKeys('image').dead)) === ids.length;

    await guarded.until('the dead letters', dead);
    expect((await deadLetters('list')).trim().split('\n')).toHaveLength(ids.length);
    expect(await deadLetters('requeue', '--all')).toMatch(/requeued\n.*requeued\n/);
    await guarded.until('the dead letters again', dead);
    expect(await deadLetters('drop', '--all')).toMatch(/dropped\n.*dropped\n/);
    const watched = await run('scripts/watch.ts', '--redis', guarded.urlOf('operator'), '--seconds', '1');
    expect(watched).toContain('QUEUE');
  });

  test('is enough for the scaler of KEDA', async () => {
    const length = `
      local kind = redis.call('TYPE', KEYS[1]).ok
      return redis.call(kind == 'zset' and 'ZCARD' or 'LLEN', KEYS[1])`;
    const { queue, leases, delayed, outbox, notices } = queueKeys('image');
    await guarded.admin.lpush(queue, 'a job');
    await guarded.admin.zadd(leases, 1, 'a job', 2, 'another');
    const scaler = guarded.connect('keda');
    await scaler.ping();
    const lengths = await Promise.all(
      [queue, leases, delayed, outbox, notices].map((key) => scaler.eval(length, 1, key)),
    );
    scaler.disconnect();
    expect(lengths).toEqual([1, 2, 0, 0, 0]);
  });

  test.each(Object.entries(scriptsOf))(
    'lists the commands that %s needs, and no more',
    async (user, scripts) => {
      const { commands, scripts: seen } = await guarded.deedsOf(user);
      const inside = scripts.flatMap((script) => [...commandsOfScript(script)]);
      const needed = new Set([...commands, ...inside, ...(otherCalls[user] ?? [])]).difference(free);
      const given = permissionsOf(user, await readFile(accessList, 'utf8'));
      expect({
        runs: [...seen.difference(new Set(scripts))],
        lacks: [...needed.difference(given)],
        doesNotNeed: [...given.difference(needed)],
      }).toEqual({ runs: [], lacks: [], doesNotNeed: [] });
    },
  );

  test('covers every script', () => {
    expect(new Set(Object.values(scriptsOf).flat())).toEqual(new Set(scriptNames));
  });

  test.each(Object.keys(scriptsOf))('forbids %s all other commands and keys', async (user) => {
    const redis = guarded.connect(user);
    const refused = [
      redis.flushall(),
      redis.keys('*'),
      redis.config('GET', '*'),
      redis.call('ACL', 'LIST'),
      redis.get('others'),
      redis.eval("return redis.call('FLUSHALL')", 0),
      redis.eval("return redis.call('TYPE', 'others')", 0),
    ];
    const messages = await Promise.all(
      refused.map((each) => each.then(String, (error: Error) => error.message)),
    );
    redis.disconnect();
    expect(messages.filter((message) => redisFault(new Error(message)) !== 'NOPERM')).toEqual([]);
  });
});

/** Returns the commands that the access list allows a user. */
function permissionsOf(user: string, list: string): Set<string> {
  const [, rules = ''] = new RegExp(`^user ${user} on (.*)$`, 'm').exec(list) ?? [];
  const commands = rules.split(' ').filter((rule) => rule.startsWith('+'));
  return new Set(commands.map((rule) => rule.slice(1)));
}
