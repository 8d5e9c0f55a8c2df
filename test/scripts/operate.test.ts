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

/** What was asked to be deleted, call by call. */
const deletions = (calls: string[]): string[] =>
  calls.flatMap((call) => /delete (\S+)/.exec(call)?.[1] ?? []);

describe('clean.sh', () => {
  const everything: Rule[] = [
    ...present('namespace tessera'),
    { call: 'get customresourcedefinition', stdout: 'customresourcedefinition/x' },
    { call: 'get namespace tessera --selector', stdout: 'namespace/tessera' },
  ];

  it('removes what runs, sources before what they make, and leaves volumes, Secrets and namespace', async () => {
    const { code, stdout, calls } = await shell.run('clean.sh', [], everything);
    expect(deletions(calls)).toEqual([
      'triggers.eventing.knative.dev',
      'brokers.eventing.knative.dev',
      'services.serving.knative.dev',
      'scaledobjects.keda.sh',
      'triggerauthentications.keda.sh',
      'deployments,statefulsets,jobs,pods,services,configmaps,networkpolicies,serviceaccounts',
    ]);
    const selected = calls.filter((call) => call.includes(' delete '));
    expect(selected.every((call) => call.includes('--selector app.kubernetes.io/part-of=tessera'))).toBe(
      true,
    );
    expect(stdout).toContain('volumes, Secrets and the namespace tessera stay');
    expect(code).toBe(0);
  });

  it('removes those too with --all', async () => {
    const { code, calls } = await shell.run('clean.sh', ['--all'], everything);
    expect(deletions(calls).slice(-3)).toEqual(['persistentvolumeclaims', 'secret', 'namespace']);
    expect(calls.at(-1)).toBe('kubectl delete namespace tessera --ignore-not-found --timeout=300s');
    expect(code).toBe(0);
  });

  it("leaves a namespace that is not Tessera's", async () => {
    const rules = everything.filter((each) => !each.call.includes('--selector'));
    const { calls } = await shell.run('clean.sh', ['--all'], rules);
    expect(deletions(calls)).not.toContain('namespace');
  });

  it('asks only for resource types the cluster has', async () => {
    const { code, calls } = await shell.run('clean.sh', [], present('namespace tessera'));
    expect(deletions(calls)).toHaveLength(1);
    expect(code).toBe(0);
  });

  it('has nothing to do the second time', async () => {
    const { code, stdout, calls } = await shell.run('clean.sh', ['--all']);
    expect(stdout).toBe('removed: nothing, there is no namespace tessera\n');
    expect(deletions(calls)).toEqual([]);
    expect(code).toBe(0);
  });

  it('stops when something does not go', async () => {
    const rules = [{ call: 'delete services.serving', exit: 1 }, ...everything];
    const { code, stderr, calls } = await shell.run('clean.sh', ['--all'], rules);
    expect(stderr).toContain('not all of services.serving.knative.dev');
    expect(deletions(calls).at(-1)).toBe('services.serving.knative.dev');
    expect(code).toBe(2);
  });
});

describe('cluster.sh', () => {
  const kind: Rule[] = [{ call: '^kind version', stdout: 'kind v0.33.0 go1.26 linux/amd64' }];
  const running: Rule[] = [{ call: '^kind get clusters', stdout: 'tessera\n' }, ...kind];

  it('makes the cluster and installs every part at its pinned version', async () => {
    const { code, calls, sent, stdout } = await shell.run(
      'cluster.sh',
      ['up', '--port', '9000', '--eventing'],
      kind,
    );
    const all = calls.join('\n');
    expect(calls[2]).toMatch(/^kind create cluster --name tessera --image kindest\/node:v[\d.]+@sha256:/);
    expect(sent).toContain('hostPort: 9000');
    for (const part of [
      'knative-v1.22.1/serving-crds.yaml',
      'knative-v1.22.1/serving-core.yaml',
      'net-kourier/releases/download/knative-v1.22.1/kourier.yaml',
      'keda/releases/download/v2.20.2/keda-2.20.2.yaml',
      'autoscaler-keda/releases/download/knative-v1.22.0/autoscaler-keda.yaml',
      'eventing/releases/download/knative-v1.22.2/mt-channel-broker.yaml',
    ]) {
      expect(all).toContain(part);
    }
    expect(all).not.toContain('serving-hpa');
    // Nothing reaches whatever cluster kubectl happens to point at.
    const strays = calls.filter((call) => call.startsWith('kubectl') && !call.includes('kind-tessera'));
    expect(strays).toEqual([]);
    expect(stdout).toContain('ready: cluster tessera');
    expect(code).toBe(0);
  });

  it('builds each function its image and loads it, under the name the manifests use', async () => {
    const { code, calls } = await shell.run('cluster.sh', ['images'], running);
    for (const name of ['split', 'blur', 'assemble']) {
      expect(calls).toContain(`kind load docker-image dev.local/tessera-${name}:0.1.0 --name tessera`);
      expect(
        calls.some((call) =>
          call.includes(`--build-arg FUNCTION=${name} --tag dev.local/tessera-${name}:0.1.0`),
        ),
      ).toBe(true);
    }
    expect(code).toBe(0);
  });

  it('does not make a cluster that is there', async () => {
    const { code, calls } = await shell.run('cluster.sh', [], running);
    expect(calls.some((call) => call.startsWith('kind create'))).toBe(false);
    expect(code).toBe(0);
  });

  it('stops at the first part that fails', async () => {
    const { code, calls } = await shell.run(
      'cluster.sh',
      [],
      [{ call: 'serving-core', exit: 1 }, ...running],
    );
    expect(calls.at(-1)).toContain('serving-core.yaml');
    expect(code).not.toBe(0);
  });

  it('has no images to load where there is no cluster', async () => {
    const { code, stderr } = await shell.run('cluster.sh', ['images'], kind);
    expect(stderr).toContain('there is no cluster tessera');
    expect(code).toBe(2);
  });

  it('removes it', async () => {
    const { code, calls } = await shell.run('cluster.sh', ['down', '--name', 'mine'], running);
    expect(calls).toEqual(['kind delete cluster --name mine']);
    expect(code).toBe(0);
  });
});
