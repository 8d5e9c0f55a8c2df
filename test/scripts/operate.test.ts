import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../manifests/overlays.ts';
import { openShell, present, type Rule, type Shell } from './shell.ts';

// chaos.sh has tests of its own.
const scripts = readdirSync(join(root, 'scripts')).filter(
  (each) => each.endsWith('.sh') && each !== 'chaos.sh',
);
const ns = 'kubectl --namespace tessera';

let shell: Shell;
let bare: Shell;
beforeAll(async () => {
  shell = await openShell(['kubectl', 'kind', 'docker']);
  bare = await openShell([]);
});
afterAll(() => Promise.all([shell.clean(), bare.clean()]));

const ready: Rule[] = [
  { call: 'latestCreatedRevisionName', stdout: 'blur-00003' },
  { call: 'latestReadyRevisionName', stdout: 'blur-00003' },
  { call: 'get revisions.serving', stdout: 'blur-00002 blur-00003' },
];

describe.each(scripts)('%s', (script) => {
  it('explains itself with --help, calling nothing', async () => {
    const { code, stdout, calls } = await shell.run(script, ['--help']);
    expect(stdout).toContain(`Usage: scripts/${script}`);
    expect(stdout).not.toMatch(/^#|set -euo/m);
    expect({ code, calls }).toEqual({ code: 0, calls: [] });
  });

  it('refuses an option it does not know, calling nothing', async () => {
    const { code, stderr, calls } = await shell.run(script, ['--bogus'], [], { PATH: `${process.env.PATH}` });
    expect(stderr).toContain('--bogus');
    expect({ code, calls }).toEqual({ code: 2, calls: [] });
  });

  it('refuses an option that lacks its value, calling nothing', async () => {
    const option = script === 'cluster.sh' ? '--name' : '--namespace';
    const { code, calls } = await shell.run(script, [option], [], { PATH: `${process.env.PATH}` });
    expect({ code, calls }).toEqual({ code: 2, calls: [] });
  });
});

describe.each([
  ['deploy.sh', [], 'kubectl'],
  ['scale.sh', ['3'], 'kubectl'],
  ['status.sh', [], 'kubectl'],
  ['logs.sh', ['blur'], 'kubectl'],
  ['clean.sh', [], 'kubectl'],
  ['cluster.sh', [], 'kind docker'],
  ['run.sh', [], 'kubectl'],
])('%s without its tools', (script, args, tools) => {
  it(`says what is not installed: ${tools}`, async () => {
    const { code, stderr } = await bare.run(script, args);
    expect(stderr).toBe(`error: not installed: ${tools}\n`);
    expect(code).toBe(2);
  });
});

describe('scale.sh', () => {
  it('sets the ceiling in a new revision, waits for it and removes the old', async () => {
    const { code, stdout, calls } = await shell.run('scale.sh', ['12'], ready);
    expect(calls.filter((call) => !call.includes(' get '))).toEqual([
      `${ns} patch service.serving.knative.dev blur --type merge --patch {"spec":{"template":{"metadata":{"annotations":{"autoscaling.knative.dev/max-scale":"12"}}}}}`,
      `${ns} wait --for=condition=Ready --timeout=300s service.serving.knative.dev/blur`,
      `${ns} delete revision.serving.knative.dev blur-00002`,
    ]);
    expect(stdout).toBe('blur: 0 to 12 pods\n');
    expect(code).toBe(0);
  });

  it('sets it on the ScaledObject in the fallback', async () => {
    const rules = present(
      'customresourcedefinition scaledobjects.keda.sh',
      'scaledobject.keda.sh blur-worker',
    );
    const { code, calls } = await shell.run('scale.sh', ['12', '--namespace', 'other'], rules);
    expect(calls.at(-1)).toBe(
      'kubectl --namespace other patch scaledobject.keda.sh blur-worker --type merge --patch {"spec":{"maxReplicaCount":12}}',
    );
    expect(code).toBe(0);
  });

  it.each([[[]], [['0']], [['-1']], [['1.5']], [['many']]])('refuses %j', async (args) => {
    const { code, calls } = await shell.run('scale.sh', args, ready);
    expect({ code, calls }).toEqual({ code: 2, calls: [] });
  });

  it('removes nothing when the new revision does not become ready', async () => {
    const rules = [{ call: ' wait ', exit: 1 }, ...ready];
    const { code, calls } = await shell.run('scale.sh', ['12'], rules);
    expect(calls.at(-1)).toContain(' wait ');
    expect(code).toBe(2);
  });
});

describe('status.sh', () => {
  it('shows services, pods, scaling and counts, asking no function', async () => {
    const rules = [
      ...present('customresourcedefinition scaledobjects.keda.sh', 'statefulset redis'),
      { call: 'get configmap tessera', stdout: 'photos' },
      { call: 'redis-cli EVAL .* 1 photos', stdout: 'queue\n35\nleases\n4\n' },
    ];
    const { code, stdout, calls } = await shell.run('status.sh', [], rules);
    expect(stdout).toContain('queue 35 leases 4');
    expect(calls).toContain(`${ns} get services.serving.knative.dev`);
    expect(calls).toContain(`${ns} get scaledobjects.keda.sh,horizontalpodautoscalers`);
    expect(calls.some((call) => call.startsWith('curl'))).toBe(false);
    expect(code).toBe(0);
  });

  it('shows the rest when a part cannot be had', async () => {
    const rules = [{ call: 'get services.serving.knative.dev', exit: 1 }];
    const { code, stdout } = await shell.run('status.sh', [], rules);
    expect(stdout).toContain('== Knative services\n(not to be had)');
    expect(stdout).toContain('== Pods');
    expect(code).toBe(0);
  });
});

describe('logs.sh', () => {
  it('reads all pods of a function', async () => {
    const rules = [{ call: 'get pods', stdout: 'pod/blur-1' }];
    const { calls } = await shell.run('logs.sh', ['blur', '--follow', '--tail', '5'], rules);
    expect(calls.at(-1)).toBe(
      `${ns} logs --selector app.kubernetes.io/name=blur --container blur --prefix --max-log-requests=50 --follow --tail=5`,
    );
  });

  it('says that a function has scaled to zero', async () => {
    const { code, stdout } = await shell.run('logs.sh', ['blur']);
    expect(stdout).toBe('no blur pod is running: it has scaled to zero\n');
    expect(code).toBe(0);
  });

  it('reads Redis and the KEDA operator, wherever that is', async () => {
    const redis = await shell.run('logs.sh', ['redis']);
    expect(redis.calls.at(-1)).toBe(`${ns} logs statefulset/redis --container redis --tail=200`);
    const keda = await shell.run(
      'logs.sh',
      ['keda'],
      [{ call: 'keda-operator --output', stdout: 'autoscaling' }],
    );
    expect(keda.calls.at(-1)).toBe(
      'kubectl --namespace autoscaling logs deployment/keda-operator --tail=200',
    );
    expect((await shell.run('logs.sh', ['keda'])).code).toBe(2);
  });

  it.each([[[]], [['nothing']], [['blur', '--tail', 'x']]])('refuses %j', async (args) => {
    expect((await shell.run('logs.sh', args)).code).toBe(2);
  });
});
