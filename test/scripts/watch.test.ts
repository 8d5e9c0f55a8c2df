import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { queueKeys } from '../../functions/lib/queue/keys.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { root } from '../manifests/overlays.ts';
import { openShell, present, type Shell } from './shell.ts';

let shell: Shell;
let server: RedisServer;
let watcher: ChildProcess | undefined;

beforeAll(async () => {
  shell = await openShell(['kubectl']);
  server = await RedisServer.start();
});
afterAll(async () => {
  await server.stop();
  await shell.clean();
});
afterEach(async () => {
  if (watcher?.exitCode === null) {
    watcher.kill();
    await once(watcher, 'exit');
  }
});

/** Starts the watch on the local Redis. `until` resolves when its output matches. */
function watch(...args: string[]): { until: (pattern: RegExp) => Promise<string>; child: ChildProcess } {
  const child = spawn(join(root, 'scripts/watch.sh'), ['--redis', server.url, '--interval', '20', ...args]);
  watcher = child;
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const until = async (pattern: RegExp): Promise<string> => {
    const deadline = Date.now() + 15_000;
    while (!pattern.test(output)) {
      if (Date.now() > deadline) throw new Error(`never ${String(pattern)} in:\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return output;
  };
  return { until, child };
}

describe('watch.sh on a local run', () => {
  it('prints one line for each change of the queues and the processes', async () => {
    const redis = server.connect();
    const keys = queueKeys('image');
    await redis.flushall();
    const { until, child } = watch();
    await until(
      /QUEUE +LEASES +DELAYED +OUTBOX +DEAD +SPLIT +BLUR +ASSEMBLE +DONE +FAILED +CANCELLED +IN PROGRESS/,
    );
    await redis.lpush(keys.queue, 'i:0', 'i:1', 'i:2');
    await until(/ 3 +0 +0 +0 +0 +0 +0\/0 +0\/0 +0 +0 +0 +0\n/);
    await redis.hset('tessera:local', { blurDesired: 2, blurReady: 1, splitReady: 1, assembleReady: 1 });
    await redis.multi().rpop(keys.queue).zadd(keys.leases, 1, 'i:0').exec();
    await redis.zadd(keys.delayed, 1, 'i:9');
    await redis.zadd(keys.outbox, 1, 'i');
    await redis.zadd(keys.dead, 1, 'i:8');
    await redis.zadd(keys.images, 1, 'i', 2, 'j', 3, 'k', 4, 'l', 5, 'expired');
    await redis.hset('image:i:meta', 'state', 'done');
    await redis.hset('image:j:meta', 'state', 'failed');
    await redis.hset('image:k:meta', 'state', 'cancelled');
    await redis.hset('image:l:meta', 'state', 'blurring');
    const output = await until(/ 2 +1 +1 +1 +1 +1 +1\/2 +1\/1 +1 +1 +1 +1\n/);
    const lines = output.trimEnd().split('\n').slice(2);
    expect(new Set(lines.map((line) => line.slice(9))).size).toBe(lines.length);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
    redis.disconnect();
  });

  it('continues after Redis was down', async () => {
    const away = await RedisServer.start();
    const { until } = watch('--redis', away.url);
    await until(/ 0\/0 +0 +0 +0 +0\n/);
    await away.kill();
    await until(/no answer: /);
    await away.restart();
    expect(await until(/no answer: [^]* 0\/0 +0 +0 +0 +0\n/)).toContain('QUEUE');
    await away.stop();
  });

  it('draws a screen with --live, and ends by itself with --seconds', async () => {
    const redis = server.connect();
    await redis.flushall();
    await redis.lpush('photos:job:queue', 'i:0', 'i:1');
    const { until, child } = watch('--live', '--key-prefix', 'photos', '--seconds', '2');
    const output = await until(/queue +2 +██/);
    expect(output).toContain('Tessera at');
    expect(await once(child, 'exit')).toEqual([0, null]);
    redis.disconnect();
  });

  it('does not start if there is nothing to watch', async () => {
    const args = ['--redis', 'redis://127.0.0.1:1', '--seconds', '5'];
    const { code, stderr } = await shell.run('watch.sh', args, [], { PATH: `${process.env.PATH}` });
    expect(stderr).toContain('nothing to watch: connect ECONNREFUSED');
    expect(code).toBe(2);
  });
});

const deployment = (name: string, replicas: number, readyReplicas?: number): unknown => ({
  metadata: { labels: { 'app.kubernetes.io/name': name } },
  spec: { replicas },
  status: { readyReplicas },
});

/** The script's reply as redis-cli prints it. */
const counts =
  'queue 35 leases 4 claims 4 delayed 0 outbox 1 dead 0 done 2 failed 3 cancelled 4 inProgress 1 '.replaceAll(
    ' ',
    '\n',
  );

describe('watch.sh on a cluster', () => {
  const items = [
    deployment('blur', 4, 3),
    deployment('blur', 1, 1),
    deployment('assemble', 1),
    deployment('split', 1, 1),
    deployment('other', 9, 9),
  ];
  const rules = [
    ...present('namespace tessera'),
    {
      call: 'redis-cli EVAL .* 1 image 1000',
      stdout: counts,
    },
    { call: 'get deployments', stdout: JSON.stringify({ items }) },
  ];

  it('reads Redis in its pod and the Deployments of all revisions, and wakes nothing', async () => {
    const { code, stdout, calls } = await shell.run('watch.sh', ['--seconds', '1', '--cluster'], rules);
    expect(stdout).toMatch(/ 35 +4 +0 +1 +0 +1 +4\/5 +0\/1 +2 +3 +4 +1\n/);
    expect(new Set(calls.map((call) => call.split(' ').slice(0, 5).join(' ')))).toEqual(
      new Set([
        'kubectl --namespace tessera get namespace',
        'kubectl --namespace tessera exec statefulset/redis',
        'kubectl --namespace tessera get deployments',
      ]),
    );
    expect(code).toBe(0);
  });

  it.each([
    [
      'Redis refuses',
      [{ call: 'redis-cli', stdout: 'NOAUTH Authentication required.\n' }, ...rules],
      'NOAUTH',
    ],
    ['there is no such pod', [{ call: 'redis-cli', exit: 1, stderr: 'not found' }, ...rules], 'not found'],
  ])('does not start when %s', async (_name, rules, said) => {
    const { code, stderr } = await shell.run('watch.sh', ['--seconds', '1'], rules);
    expect(stderr).toContain(said);
    expect(code).toBe(2);
  });

  it('says in one line that the namespace does not exist', async () => {
    const { code, stdout, stderr } = await shell.run('watch.sh', ['--namespace', 'nope'], rules);
    expect(stderr).toBe(
      'error: nothing to watch: the cluster has no namespace nope: scripts/deploy.sh makes it\n',
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it.each([[['--interval', '0']], [['--seconds', 'long']]])('refuses %j', async (args) => {
    expect((await shell.run('watch.sh', args, rules)).code).toBe(2);
  });
});
