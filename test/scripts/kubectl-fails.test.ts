// What the scripts say and return when the cluster refuses one call.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployments, neededTypes, readyCluster, resourceTypes } from './cluster-states.ts';
import { openShell, present, type Rule, type Shell } from './shell.ts';

let shell: Shell;
let folder: string;
beforeAll(async () => {
  shell = await openShell(['kubectl']);
  folder = await mkdtemp(join(tmpdir(), 'tessera-refused-'));
  await writeFile(join(folder, 'backup.rdb'), 'REDIS0012…');
});
afterAll(async () => {
  await shell.clean();
  await rm(folder, { recursive: true });
});

const forbidden = 'Error from server (Forbidden): the user may not do this';
const refuse = (call: string): Rule => ({
  call,
  stderr: `E1125 10:00:00.000000 1 memcache.go:265] "Unhandled Error" err="refused"\n${forbidden}\n`,
  exit: 1,
});
const everything: Rule = { call: 'get .* --ignore-not-found --output name', stdout: 'kind/name\n' };

const refusedCalls: [script: string, args: string[], call: string][] = [
  ['clean.sh', ['--all'], 'delete secret'],
  ['logs.sh', ['blur'], 'get service.serving'],
  ['logs.sh', ['blur'], 'get pods'],
  ['logs.sh', ['redis'], 'get statefulset'],
  ['logs.sh', ['redis'], ' logs '],
  ['logs.sh', ['keda'], 'get deployments'],
  ['scale.sh', ['3'], 'get service.serving'],
  ['scale.sh', ['3'], ' patch '],
  ['scale.sh', ['3'], 'delete revision'],
  ['backup.sh', ['restore', 'backup.rdb'], 'get persistentvolumeclaim'],
  ['backup.sh', ['restore', 'backup.rdb'], '--replicas=0'],
  ['backup.sh', ['restore', 'backup.rdb'], 'wait --for=delete'],
  ['run.sh', ['photo.png'], 'get service.serving.* --output name'],
  ['run.sh', ['photo.png'], 'get service.serving.* --output jsonpath'],
  ['deploy.sh', [], 'get customresourcedefinition'],
  ['deploy.sh', [], 'get deployments --all-namespaces'],
  ['deploy.sh', ['--overlay', 'pvc'], 'get configmap config-features'],
  ['deploy.sh', ['--with', 'redis-auth'], 'create secret'],
  ['deploy.sh', [], 'get statefulset redis'],
  ['deploy.sh', [], 'apply --kustomize'],
  ['deploy.sh', [], 'delete revision'],
  ['deploy.sh', ['--print'], '^kubectl kustomize'],
];

describe('a call that the cluster refuses', () => {
  it.each(refusedCalls)('ends %s %j with its reason: %s', async (script, args, call) => {
    const rules = script === 'deploy.sh' ? readyCluster : [everything, ...readyCluster];
    const files = args.map((arg) => (arg === 'backup.rdb' ? join(folder, arg) : arg));
    const outcome = await shell.run(script, files, [refuse(call), ...rules]);
    expect(outcome.stderr).toBe(`error: ${forbidden}\n`);
    expect(outcome.stdout).not.toMatch(/^(removed|deployed|restored|blur: |no blur pod)/m);
    expect(outcome.code).toBe(2);
  });

  it.each<[script: string, args: string[], call: string, fault: string]>([
    ['clean.sh', [], 'delete services.serving', 'not all of services.serving.knative.dev could be removed'],
    ['clean.sh', ['--all'], 'delete namespace', 'the namespace tessera could not be removed'],
    ['backup.sh', ['save', 'saved.rdb'], 'exec statefulset/redis', 'Redis could not be saved'],
    [
      'backup.sh',
      ['restore', 'backup.rdb'],
      'exec redis-restore',
      'the backup could not be put on the volume',
    ],
    [
      'deploy.sh',
      ['--overlay', 'broker'],
      'wait .*broker',
      'broker.eventing.knative.dev/images is not Ready',
    ],
  ])('is told with what it was for, in one line: %s %j, %s', async (script, args, call, fault) => {
    const files = args.map((arg) => (arg.endsWith('.rdb') ? join(folder, arg) : arg));
    const label = { call: 'get namespace .*labels', stdout: 'tessera' };
    const broker = [
      resourceTypes(...neededTypes, 'brokers.eventing.knative.dev'),
      deployments('knative-eventing', { 'mt-broker-ingress': '1.22.2' }),
    ];
    const there = script === 'deploy.sh' ? broker : [label, everything];
    const { code, stderr } = await shell.run(script, files, [refuse(call), ...there, ...readyCluster]);
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect(stderr).toContain(fault);
    expect(stderr).toContain(`: ${forbidden}\n`);
    expect(code).toBe(2);
  });

  it('leaves the other parts of status.sh, which says that one is missing by its exit code', async () => {
    for (const call of ['get pods', 'get customresourcedefinition', 'get statefulset', 'get ']) {
      const outcome = await shell.run('status.sh', [], [refuse(call), ...present('namespace tessera')]);
      expect(outcome.stdout).toContain('(not available)\n');
      expect(outcome.stdout).toContain('== Work and images');
      expect(outcome.code).toBe(2);
    }
  });

  it('is named by its log if kubectl says nothing else', async () => {
    const log = 'E1125 10:00:00.000000 1 main.go:1] cannot build';
    const rules: Rule[] = [{ call: '^kubectl kustomize', stderr: `${log}\n`, exit: 1 }];
    const outcome = await shell.run('deploy.sh', ['--print'], rules);
    expect(outcome.stderr).toBe(`error: ${log}\n`);
    expect(outcome.code).toBe(2);
  });
});
