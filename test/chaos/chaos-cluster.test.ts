// scripts/chaos.sh --target cluster with a fake kubectl that is as strict about its arguments as the real
// one. Its pods are real processes on this machine, its Redis is real, and its calls are recorded.
import { execFile, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { imageKeys, queueKeys } from '../../functions/lib/queue/keys.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { redisBinary } from '../../local/redis-server.ts';
import { Scaler } from '../../local/scaler.ts';
import { isFull } from '../support/full.ts';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { Rig } from '../../chaos/rig.ts';
import { until } from '../../functions/testing/until.ts';

const RUN_MS = 110_000;
/** split requires it, so every run shows that the script sends it. */
const token = 'chaos-token-0123456789';
const original = [{ name: 'CONSUMER', value: 'on' }];

/** The fake kubectl: it runs a command in a pod here, and asks the test for everything else. */
const kubectl = `#!/usr/bin/env bash
source "${import.meta.dirname}/../scripts/kubectl-rules.sh"
(check_kubectl "$@") || exit
for ((at = 1; at <= $#; at++)); do
  if [[ \${!at} == -- ]]; then
    exec "\${@:at + 1}"
  fi
done
exec curl --silent --fail --data-binary "$*" "$CLUSTER_URL"
`;
const redisCli = (port: number) => `#!/bin/sh
exec ${redisBinary().replace(/server$/, 'cli')} -p ${port} "$@"
`;

let rig: Rig;
let scaler: Scaler;
let cluster: Server;
let bin: string;
let env: { name: string; value: string }[];
/** blur's revisions; the last one is the newest. */
let revisions: string[];
/** Pods that are being stopped, besides those of the workers. */
let leaving: unknown[];
/** Whether a pod's address is known, and whether a deleted pod really ends. */
let hasAddresses: boolean;
let isDeadly: boolean;
/** Whether blur's settings may be changed. */
let takesPatches: boolean;
const calls: string[] = [];

function pods(): unknown[] {
  const metadata = { labels: { 'serving.knative.dev/revision': revisions.at(-1) } };
  const workers = scaler.workers.map((_, at) => ({
    metadata,
    status: hasAddresses ? { podIP: `10.0.0.${at + 1}` } : {},
  }));
  return [...workers, ...leaving];
}

/** Returns the cluster's answer to a command line of kubectl. */
async function answer(call: string): Promise<string> {
  calls.push(call);
  if (/get service\S* split /.test(call)) return rig.split.process.ready();
  if (call.includes('get namespace tessera ')) return 'namespace/tessera';
  if (call.includes('scaled-by')) return 'revision';
  if (call.includes('{.data.QUEUE_MODE}')) return 'lease';
  if (call.includes('{.data.KEY_PREFIX}')) return rig.keyPrefix;
  if (call.includes('containers[0].env')) return JSON.stringify(env);
  if (call.includes('observedGeneration')) return '2 2';
  if (/latest(Created|Ready)RevisionName/.test(call)) return revisions.at(-1) ?? '';
  if (/get (revisions|scaledobjects)/.test(call)) return revisions.join(' ');
  const removed = /delete revision\S* (\S+)/.exec(call)?.[1];
  if (removed) revisions = revisions.filter((each) => each !== removed);
  // Knative starts one pod of a new revision, whatever the queue says.
  if (call.includes('get pods --selector serving.knative.dev/revision='))
    return JSON.stringify({ items: [{ status: { conditions: [{ type: 'Ready', status: 'True' }] } }] });
  if (call.includes('get pods')) return JSON.stringify({ items: pods() });
  const patch = /patch service\S*\/blur --type json --patch (.*)$/.exec(call);
  if (patch && !takesPatches) throw new Error('Forbidden');
  if (patch) {
    [{ value: env }] = JSON.parse(patch[1]) as [{ value: typeof env }];
    revisions.push(`blur-0000${Number(revisions.at(-1)?.at(-1)) + 1}`);
    await killWorkers();
  }
  if (call.includes('delete pod ') && isDeadly) await killWorkers();
  return '';
}

async function killWorkers(): Promise<void> {
  const victims = scaler.workers;
  for (const victim of victims) victim.signal('SIGKILL');
  await Promise.all(victims.map(({ exited }) => exited));
}

beforeAll(async () => {
  rig = await Rig.start({ TILE_SIZE: '256', AUTH_TOKEN: token });
  bin = await mkdtemp(join(tmpdir(), 'tessera-kubectl-'));
  for (const [name, script] of Object.entries({ kubectl, 'redis-cli': redisCli(rig.redisServer.port) })) {
    await writeFile(join(bin, name), script);
    await chmod(join(bin, name), 0o755);
  }
  await writeFile(join(bin, 'picture.png'), await toPng(picture(1400, 1000), 3));
  cluster = createServer((req, res) => {
    void text(req)
      .then(answer)
      .then(
        (body) => res.end(body),
        (error: unknown) => res.writeHead(500).end(String(error)),
      );
  });
  cluster.listen(0, '127.0.0.1');
  await once(cluster, 'listening');
});
beforeEach(() => {
  env = original;
  revisions = ['blur-00001', 'blur-00002'];
  leaving = [];
  hasAddresses = isDeadly = takesPatches = true;
  calls.length = 0;
  scaler = new Scaler({
    redis: rig.redis,
    keyPrefix: rig.keyPrefix,
    target: 4,
    max: 2,
    cooldownMs: 1000,
    pollMs: 50,
    spawn: () =>
      new FunctionProcess('blur', {
        env: rig.workerEnv({
          QUEUE_MODE: env.find(({ name }) => name === 'QUEUE_MODE')?.value ?? 'lease',
          LEASE_MS: '2000',
        }),
      }),
  });
  scaler.start();
});
afterEach(async () => {
  await scaler.stop();
  await rig.reset();
});
afterAll(async () => {
  cluster.close();
  await rig.stop();
  await rm(bin, { recursive: true, force: true });
});

interface Outcome {
  code: number;
  lines: string[];
  stderr: string;
}

async function chaos(...args: string[]): Promise<Outcome> {
  return startChaos(...args).ended;
}

function startChaos(...args: string[]): { child: ChildProcess; ended: Promise<Outcome> } {
  const { port } = cluster.address() as AddressInfo;
  const settings = {
    CLUSTER_URL: `http://127.0.0.1:${port}`,
    PATH: `${bin}:${process.env.PATH}`,
    TESSERA_TOKEN: token,
  };
  const all = ['--target', 'cluster', '--image', join(bin, 'picture.png'), '--settle', '2', ...args];
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const options = { env: { ...process.env, ...settings }, timeout: RUN_MS };
  const child = execFile('scripts/chaos.sh', all, options, (error, stdout, stderr) => {
    resolve({ code: error ? Number(error.code) : 0, lines: stdout.trim().split('\n'), stderr });
  });
  return { child, ended: promise };
}

const leaseLine =
  'queue=lease expected=24 processed=24 jobs_in_queue=0 results_in_queue=0 in_flight=0 missing=0 output=present';
const naiveLine =
  /^queue=naive expected=24 processed=\d+ jobs_in_queue=0 results_in_queue=0 in_flight=0 missing=[1-9]\d* output=absent$/;

/** The calls that change the cluster or wait for it, shortened. */
const deeds = (): string[] =>
  calls.flatMap((call) => {
    const [, verb, rest] = /^--namespace tessera (delete|scale|annotate|patch|wait) (.*)/.exec(call) ?? [];
    if (verb === undefined) return [];
    if (verb === 'patch' || verb === 'wait') return verb;
    return `${verb} ${rest.replace(/ --.*/, '').replace('autoscaling.keda.sh/', '')}`;
  });

const deletion =
  '--namespace tessera delete pod --selector serving.knative.dev/service=blur --grace-period=0 --force';

describe('chaos.sh on a cluster', () => {
  test('switches blur to the naive queue, shows its loss, and restores what it changed', async () => {
    const { code, lines, stderr } = await chaos('--queue', 'naive');
    expect(stderr).toBe('');
    expect(lines.at(-1)).toMatch(naiveLine);
    const missing = lines.find((line) => line.startsWith('missing tiles: '))?.slice('missing tiles: '.length);
    expect(missing?.split(' ').length).toBe(Number(/missing=(\d+)/.exec(lines.at(-1) ?? '')?.[1]));
    expect(code).toBe(1);

    expect(env).toEqual(original);
    const modes = calls.flatMap((call) => /"QUEUE_MODE","value":"(\w+)"/.exec(call)?.[1] ?? []);
    expect(modes).toEqual(['naive']);
    // The old revisions stop before the new one is made, because they would continue to take tiles from the
    // same queue.
    expect(deeds()).toEqual([
      'delete pod',
      'scale deployment',
      'annotate scaledobject.keda.sh blur-00001 paused-replicas=0',
      'annotate scaledobject.keda.sh blur-00002 paused-replicas=0',
      'patch',
      'delete pod',
      'patch',
      'wait',
      ...['blur-00001', 'blur-00002', 'blur-00003'].map(
        (each) => `delete revision.serving.knative.dev ${each}`,
      ),
    ]);
    expect(await rig.redis.set('not', 'held')).toBe('OK');
  });

  test.runIf(isFull)('compares both queues', async () => {
    const { code, lines, stderr } = await chaos('--queue', 'both');
    expect(stderr).toBe('');
    expect(lines.find((line) => line.startsWith('queue=naive expected='))).toMatch(naiveLine);
    expect(lines).toContain(leaseLine);
    expect(lines.at(-1)).toMatch(/^tiles missing +[1-9]\d* +0$/);
    expect(code).toBe(0);
    expect(env).toEqual(original);
    expect(calls.filter((call) => call === deletion)).toHaveLength(4);
    expect(revisions).toEqual(['blur-00004']);
  });

  test.runIf(isFull)(
    'changes nothing if the mode is already right, and kills as often as requested',
    async () => {
      // Slow tiles, so that some are in flight for the second time too, however busy this machine is.
      const { code, lines } = await chaos('--queue', 'lease', '--kills', '2', '--kernel', '255');
      expect(
        lines.filter((line) => /^killed \d+ workers with [1-9]\d* tiles in flight$/.test(line)).length,
      ).toBe(2);
      expect(lines.at(-1)).toBe(leaseLine);
      expect(code).toBe(0);
      expect(calls.filter((call) => call.includes(' patch '))).toEqual([]);
    },
  );

  test.runIf(isFull)('restores everything when it cannot run', async () => {
    await scaler.stop(); // Nobody ever claims.
    const { code, stderr } = await chaos('--queue', 'naive', '--timeout', '2');
    expect(code).toBe(2);
    expect(stderr).toContain('no worker was killed with a tile in flight');
    expect(env).toEqual(original);
    expect(await rig.redis.set('not', 'held')).toBe('OK');
  });

  test('waits until the pods of the last revision have left', async () => {
    const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z' };
    leaving = [{ metadata }, { metadata: { labels: { 'serving.knative.dev/revision': 'blur-00001' } } }];
    const { child, ended } = startChaos('--queue', 'naive');
    const said = async (words: string) => {
      let all = '';
      for await (const text of child.stdout ?? []) if ((all += String(text)).includes(words)) return;
    };
    await said('waiting for 2 pods of the last revision to leave');
    expect(await rig.redis.exists(queueKeys(rig.keyPrefix).images)).toBe(0);
    leaving = [];
    const { code } = await ended;
    expect(code).toBe(1);
  });

  test('restores everything when it is interrupted', async () => {
    await scaler.stop(); // Nobody ever claims.
    const { child, ended } = startChaos('--queue', 'naive');
    await until(
      'the image to be split',
      async () => (await rig.redis.llen(queueKeys(rig.keyPrefix).queue)) === 24,
    );
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    expect(stderr).toBe('Interrupted\n');
    expect(code).toBe(130);
    expect(env).toEqual(original);
    expect(await rig.redis.set('not', 'held')).toBe('OK');
    const { images } = queueKeys(rig.keyPrefix);
    const [id] = await rig.redis.zrange(images, '0', '-1');
    expect(await rig.redis.hget(imageKeys(rig.keyPrefix, id).meta, 'state')).toBe('cancelled');
  });

  test.each([
    ['could be killed', () => (hasAddresses = false)],
    ['died with its tile', () => (isDeadly = false)],
  ])('does not count a run in which no worker %s', async (_what, set) => {
    set();
    const { code, lines, stderr } = await chaos('--queue', 'lease', '--timeout', '10');
    expect(stderr).toBe('error: no worker was killed with a tile in flight\n');
    expect(lines.at(-1)).toBe('queue=lease: no worker died with a tile in flight (try 3 of 3)');
    expect(lines.filter((line) => line.startsWith('killed 0'))).toEqual([]);
    expect(code).toBe(2);
    expect(await rig.redis.set('not', 'held')).toBe('OK');
  });

  test('lets KEDA scale the old revision again when the settings cannot be changed', async () => {
    takesPatches = false;
    const { code } = await chaos('--queue', 'naive');
    expect(code).toBe(2);
    expect(deeds().filter((deed) => deed.startsWith('annotate'))).toEqual([
      'annotate scaledobject.keda.sh blur-00001 paused-replicas=0',
      'annotate scaledobject.keda.sh blur-00002 paused-replicas=0',
      'annotate scaledobject.keda.sh blur-00002 paused-replicas-',
    ]);
    expect(revisions).toEqual(['blur-00002']);
  });

  test('says in one line that the namespace does not exist', async () => {
    const { code, stderr } = await chaos('--namespace', 'nope');
    expect(stderr).toBe('error: the cluster has no namespace nope: scripts/deploy.sh makes it\n');
    expect(code).toBe(2);
  });

  test('does not touch a queue in use', async () => {
    await scaler.stop();
    await rig.redis.lpush(queueKeys(rig.keyPrefix).queue, '0123456789abcdef01234567:0');
    const { code, stderr } = await chaos('--queue', 'lease');
    expect(code).toBe(2);
    expect(stderr).toBe('error: the queue is not empty: this would kill workers that others need\n');
    expect(calls.filter((call) => call.includes('delete'))).toEqual([]);
  });
});
