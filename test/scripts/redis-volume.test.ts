// Where deploy.sh makes Redis store its data, and when it warns that data would be lost.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { render } from '../manifests/render.ts';
import { find, templateOf, type Manifest } from '../manifests/shapes.ts';
import { asksFor, readyCluster, storageClasses } from './cluster-states.ts';
import { openShell, present, type Outcome, type Rule, type Shell } from './shell.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell(['kubectl']);
});
afterAll(() => shell.clean());

const deploy = (rules: Rule[], args: string[] = []): Promise<Outcome> =>
  shell.run('deploy.sh', args, [...rules, ...readyCluster]);

const redisIn = async ({ folder }: Outcome): Promise<Manifest> => {
  const redis = find(await render(join(folder, 'applied/deploy')), 'apps/v1 StatefulSet', 'redis');
  if (redis === undefined) throw new Error('there is no Redis');
  return redis;
};

const isOnVolume = async (outcome: Outcome): Promise<boolean> =>
  templateOf(await redisIn(outcome))?.spec.volumes?.some((each) => each.persistentVolumeClaim) ?? false;

const stampOf = async (outcome: Outcome): Promise<string | undefined> =>
  templateOf(await redisIn(outcome))?.metadata.annotations?.['tessera.dev/config'];

/** Answers `get statefulset redis` with its Service, its policy, the stamp of its settings and its volume claim. */
const statefulSet = (...fields: [service: string, policy: string, stamp: string, claim: string]): Rule => ({
  call: `get statefulset redis --ignore-not-found ${asksFor(
    '.metadata.name',
    '.spec.serviceName',
    '.spec.podManagementPolicy',
    '.template.metadata.annotations.tessera.dev/config',
    '.template.spec.volumes.*data.*claimName',
  )}`,
  stdout: ['redis', ...fields].join('|'),
});

const noDefault = storageClasses({
  slow: undefined,
  fast: { 'storageclass.kubernetes.io/is-default-class': 'false' },
});

describe('the data of Redis', () => {
  it.each<[cluster: string, rules: Rule[]]>([
    ['has a default StorageClass', []],
    [
      'has one by the old annotation',
      [storageClasses({ old: { 'storageclass.beta.kubernetes.io/is-default-class': 'true' } })],
    ],
    ['has its volume claim already', [...present('persistentvolumeclaim redis-data'), noDefault]],
  ])('is on a volume where the cluster %s', async (_cluster, rules) => {
    const outcome = await deploy(rules);
    expect(await isOnVolume(outcome)).toBe(true);
    expect(outcome.stdout).not.toContain('note: ');
  });

  it.each([[storageClasses({})], [noDefault]])(
    'is in its pod if there is none, with a note: %#',
    async (rule) => {
      const outcome = await deploy([rule]);
      expect(await isOnVolume(outcome)).toBe(false);
      expect(outcome.stdout).toContain('note: the cluster has no default StorageClass');
      expect(outcome.stdout).toContain('images in progress, kept uploads and results are lost');
      expect(outcome.code).toBe(0);
    },
  );

  it('is in its pod if that was requested', async () => {
    const outcome = await deploy([], ['--with', 'redis-ephemeral']);
    expect(await isOnVolume(outcome)).toBe(false);
    expect(outcome.stdout).not.toContain('note: ');
  });

  it('is on a volume if the classes may not be listed, with a note', async () => {
    const outcome = await deploy([{ call: 'get storageclasses', stderr: 'forbidden', exit: 1 }]);
    expect(await isOnVolume(outcome)).toBe(true);
    expect(outcome.stdout).toContain('note: whether there is a default StorageClass');
  });
});

describe("Redis's pod", () => {
  const withPassword = ['--with', 'redis-auth'];
  const secretAt = (version: string): Rule => ({
    call: 'get secret redis-auth .*resourceVersion',
    stdout: version,
  });

  it('is replaced if its password has changed, and not otherwise', async () => {
    const first = await stampOf(await deploy([secretAt('1')], withPassword));
    expect(await stampOf(await deploy([secretAt('1')], withPassword))).toBe(first);
    expect(await stampOf(await deploy([secretAt('2')], withPassword))).not.toBe(first);
    expect(await stampOf(await deploy([secretAt('1')]))).toBe(await stampOf(await deploy([secretAt('2')])));
  });

  it('gets the CPU that is asked for, as request and as limit', async () => {
    const outcome = await deploy([], ['--redis-cpu', '1']);
    const { resources } = templateOf(await redisIn(outcome))?.spec.containers[0] ?? {};
    expect(resources).toEqual({ requests: { cpu: '1', memory: '3Gi' }, limits: { cpu: '1', memory: '3Gi' } });
    expect(await stampOf(outcome)).not.toBe(await stampOf(await deploy([])));
  });

  it('is ready before the functions are, which use the new password at once', async () => {
    const { calls } = await deploy([], withPassword);
    const at = (part: string): number => calls.findIndex((call) => call.includes(part));
    expect(at('apply --kustomize')).toBeLessThan(at('rollout status statefulset/redis'));
    expect(at('rollout status statefulset/redis')).toBeLessThan(at('get services.serving.knative.dev split'));
  });

  it('keeps running while its StatefulSet of an earlier release is replaced', async () => {
    const older = statefulSet('redis', 'OrderedReady', '', 'redis-data');
    const today = statefulSet('redis-pods', 'Parallel', '', 'redis-data');
    const remake = 'kubectl --namespace tessera delete statefulset redis --cascade=orphan';
    const { calls } = await deploy([older]);
    expect(calls.indexOf(remake)).toBeGreaterThan(0);
    expect(calls.indexOf(remake)).toBeLessThan(calls.findIndex((call) => call.includes('apply --kustomize')));
    expect((await deploy([today])).calls).not.toContain(remake);
  });
});

describe('deploy.sh if a working Redis would lose its data', () => {
  const redisWith = (stamp: string, claim: string): Rule =>
    statefulSet('redis-pods', 'Parallel', stamp, claim);
  const work = (queue: number): Rule => ({
    call: 'exec statefulset/redis .*redis-cli EVAL',
    stdout: `queue\n${queue}\nleases\n2\nclaims\n9\ndelayed\n0\noutbox\n1\ndead\n4\n`,
  });
  const idle = {
    call: 'redis-cli EVAL',
    stdout: 'queue\n0\nleases\n0\nclaims\n0\ndelayed\n0\noutbox\n0\ndead\n4\n',
  };
  const inPod = '';
  const onVolume = 'redis-data';

  it.each<[what: string, data: string, args: string[]]>([
    ['the pod that has it is replaced', inPod, []],
    ['the functions go to another Redis', onVolume, ['--with', 'redis-external']],
    ['its volume is not used any more', onVolume, ['--with', 'redis-ephemeral']],
  ])('refuses if there is work and %s', async (_what, data, args) => {
    const secrets = present('secret redis-auth', 'secret tessera-redis');
    const { code, stderr, calls } = await deploy([redisWith('other', data), work(35), ...secrets], args);
    expect(stderr).toContain('error: 38 jobs and events in progress would be lost');
    expect(stderr).toContain('kubectl -n tessera delete statefulset redis');
    expect(calls.some((call) => call.includes('apply --kustomize'))).toBe(false);
    expect(code).toBe(2);
  });

  it('continues if there is no work, and says that results are gone', async () => {
    const { code, stdout } = await deploy([redisWith('other', inPod), idle]);
    expect(stdout).toContain('note: this deployment starts with an empty Redis');
    expect(code).toBe(0);
  });

  it('continues if the pod stays, or its data is on a volume', async () => {
    const args = ['--with', 'redis-ephemeral'];
    const stamp = (await stampOf(await deploy([], args))) ?? '';
    expect((await deploy([redisWith(stamp, inPod), work(35)], args)).code).toBe(0);
    const { code, stdout } = await deploy([redisWith('other', onVolume), work(35)]);
    expect(stdout).not.toContain('note: ');
    expect(code).toBe(0);
  });

  const dead = { call: 'redis-cli EVAL', stderr: 'error: container not found ("redis")', exit: 1 };
  const pods = (...phases: string[]): Rule => ({
    call: 'get pods --selector app.kubernetes.io/name=redis .*phase',
    stdout: phases.join(' '),
  });
  const claim = (phase: string): Rule => ({
    call: 'get persistentvolumeclaim redis-data .*phase',
    stdout: phase,
  });

  it.each<[string, string, string[], Rule[]]>([
    ['runs', inPod, [], [pods('Running')]],
    ['has failed', inPod, [], [pods('Failed')]],
    ['has no pod', inPod, [], [pods()]],
    [
      'starts again on its volume',
      onVolume,
      ['--with', 'redis-ephemeral'],
      [pods('Pending'), claim('Bound')],
    ],
  ])('refuses if Redis does not reply and %s', async (_how, data, args, rules) => {
    const { code, stderr, calls } = await deploy([redisWith('other', data), dead, ...rules], args);
    expect(stderr).toMatch(
      /^error: Redis cannot be asked whether it holds work in progress[^\n]*container not found \("redis"\)[^\n]*\n$/,
    );
    expect(stderr).toContain('kubectl -n tessera delete statefulset redis');
    expect(calls.some((call) => call.includes('apply --kustomize'))).toBe(false);
    expect(code).toBe(2);
  });

  it.each<[string, string, string[], Rule[]]>([
    ['in its pod', inPod, [], [pods('Pending')]],
    [
      'on a volume that was never provided',
      onVolume,
      ['--with', 'redis-ephemeral'],
      [pods('Pending'), claim('Pending')],
    ],
  ])('continues if Redis has never started, and its data would be %s', async (_where, data, args, rules) => {
    expect((await deploy([redisWith('other', data), dead, ...rules], args)).code).toBe(0);
  });
});
