import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readVersions } from '../manifests/image-file.ts';
import { root } from '../manifests/overlays.ts';
import { services } from './cluster-states.ts';
import { openShell, present, type Rule, type Shell } from './shell.ts';

const scripts = readdirSync(join(root, 'scripts')).filter((each) => each.endsWith('.sh'));
const ns = 'kubectl --namespace tessera';

let shell: Shell;
let bare: Shell;
beforeAll(async () => {
  shell = await openShell(['kubectl', 'kind', 'docker']);
  bare = await openShell([]);
});
afterAll(() => Promise.all([shell.clean(), bare.clean()]));

const ready: Rule[] = [
  ...present('namespace tessera'),
  { call: 'latestCreatedRevisionName', stdout: 'blur-00003 blur-00003' },
  { call: 'get revisions.serving', stdout: 'blur-00002 blur-00003' },
  services({ blur: { created: 'blur-00003' } }),
];

describe.each(scripts)('%s', (script) => {
  it.each(['--help', '-h'])('explains itself with %s, calling nothing', async (option) => {
    const { code, stdout, calls } = await shell.run(script, [option]);
    expect(stdout).toContain(`Usage: scripts/${script}`);
    expect(stdout).not.toMatch(/^#|set -euo/m);
    expect({ code, calls }).toEqual({ code: 0, calls: [] });
  });

  it('refuses an unknown option, calling nothing', async () => {
    const { code, stderr, calls } = await shell.run(script, ['--bogus'], [], { PATH: `${process.env.PATH}` });
    expect(stderr).toContain('--bogus');
    expect({ code, calls }).toEqual({ code: 2, calls: [] });
  });

  it('refuses every option that lacks its value, calling nothing', async () => {
    const { stdout } = await shell.run(script, ['--help']);
    const options = [...stdout.matchAll(/(?:^ *|[[])(--[a-z-]+) [A-Z]/gm)].map(([, option]) => option);
    expect(options.length > 0).toBe(script !== 'build-libjpeg.sh');
    for (const option of new Set(options)) {
      const { code, stderr, calls } = await shell.run(script, [option], [], { PATH: `${process.env.PATH}` });
      expect({ option, code, calls }).toEqual({ option, code: 2, calls: [] });
      expect(stderr).toBe(`error: ${option} needs a value (try --help)\n`);
    }
  });
});

describe.each([
  ['deploy.sh', [], 'kubectl'],
  ['scale.sh', ['3'], 'kubectl'],
  ['status.sh', [], 'kubectl'],
  ['logs.sh', ['blur'], 'kubectl'],
  ['clean.sh', [], 'kubectl'],
  ['run.sh', [], 'kubectl'],
  ['chaos.sh', [], 'node'],
])('%s without its tools', (script, args, tools) => {
  it(`says what is not installed: ${tools}`, async () => {
    const { code, stderr } = await bare.run(script, args);
    expect(stderr).toBe(`error: not installed: ${tools}\n`);
    expect(code).toBe(2);
  });
});

it('cluster.sh says how to get kind if it is not installed', async () => {
  const { KIND_VERSION } = await readVersions();
  const { code, stderr } = await bare.run('cluster.sh');
  expect(stderr).toBe(
    `error: not installed: kind (go install sigs.k8s.io/kind@v${KIND_VERSION}, or https://kind.sigs.k8s.io)\n`,
  );
  expect(code).toBe(2);
  expect((await bare.run('cluster.sh', ['--help'])).stdout).toContain(`kind@v${KIND_VERSION}`);
});

describe.each([
  ['deploy.sh', []],
  ['scale.sh', ['3']],
  ['status.sh', []],
  ['logs.sh', ['blur']],
  ['logs.sh', ['keda']],
  ['clean.sh', []],
  ['run.sh', ['photo.png']],
])('%s %j', (script, args) => {
  it("says in one line that kubectl reaches no cluster, without kubectl's own log", async () => {
    const stderr = `E1125 10:00:00.000000 1 memcache.go:265] "Unhandled Error" err="refused"
The connection to the server localhost:8080 was refused\n`;
    const outcome = await shell.run(script, args, [{ call: '^kubectl', stderr, exit: 1 }]);
    expect(outcome.stderr).toBe(
      'error: kubectl reaches no cluster: The connection to the server localhost:8080 was refused\n',
    );
    expect(outcome.stdout).toBe('');
    expect(outcome.code).toBe(2);
  });
});

it.each([
  ['scale.sh', ['3']],
  ['status.sh', []],
  ['logs.sh', ['blur']],
  ['run.sh', ['photo.png']],
])('%s %j says that the namespace does not exist', async (script, args) => {
  const { code, stdout, stderr } = await shell.run(script, args);
  expect(stderr).toBe('error: the cluster has no namespace tessera: scripts/deploy.sh makes it\n');
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

it('assumes that the namespace exists if namespaces may not be read', async () => {
  const rules: Rule[] = [
    { call: 'get namespace tessera', exit: 1, stderr: 'Error from server (Forbidden): no' },
    ...ready,
  ];
  const { code, stderr } = await shell.run('scale.sh', ['3'], rules);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

it.each([
  ['scale.sh', ['3', '4'], '4'],
  ['logs.sh', ['blur', 'split'], 'split'],
  ['cluster.sh', ['up', 'down'], 'down'],
  ['build-libjpeg.sh', ['a.tar.gz', 'b.tar.gz'], 'b.tar.gz'],
])('%s refuses one word too many: %j', async (script, args, word) => {
  const { code, stderr, calls } = await shell.run(script, args);
  expect(stderr).toBe(`error: one too many: ${word} (try --help)\n`);
  expect({ code, calls }).toEqual({ code: 2, calls: [] });
});

it.each(['0', '65536', '99999', 'http'])('cluster.sh refuses the port %s, calling nothing', async (port) => {
  const { code, stderr, calls } = await shell.run('cluster.sh', ['up', '--port', port]);
  expect(stderr).toMatch(/^error: --port is .*\n$/);
  expect({ code, calls }).toEqual({ code: 2, calls: [] });
});

describe("the tests' kubectl", () => {
  it.each([
    ['get namespace tessera --selector a=b', 'name cannot be provided when a selector is specified'],
    ['delete pod blur --selector a=b', 'name cannot be provided when a selector is specified'],
    ['get pod blur --all-namespaces', 'a resource cannot be retrieved by name across all namespaces'],
    ['get pods --label a=b', 'unknown flag: --label'],
    ['get pod pod/blur', 'there is no need to specify a resource type'],
    ['get', 'You must specify the type of resource to get'],
    ['delete pods', 'no name was specified'],
    ['delete pods --ignore-missing', 'unknown flag: --ignore-missing'],
    ['wait pod/blur', 'unrecognized condition: ""'],
    ['patch service blur', 'must specify --patch or --patch-file'],
    ['exec redis-0 redis-cli ping', 'is not supported anymore'],
    ['logs blur-1 --selector a=b', 'only a selector (-l) or a POD name is allowed'],
    ['apply', 'must specify one of -f and -k'],
    ['scale deployment blur', 'required flag(s) "replicas" not set'],
    ['fetch pods', 'unknown command "fetch"'],
    ['get pods --output', 'flag needs an argument: --output'],
  ])('refuses the same as kubectl: %s', async (line, said) => {
    const { code, stderr } = await shell.call('kubectl', line.split(' '));
    expect(stderr).toContain(said);
    expect(code).toBe(1);
  });
});

describe('scale.sh', () => {
  it('sets the ceiling in a new revision, waits for it and removes the old one', async () => {
    const { code, stdout, calls } = await shell.run('scale.sh', ['12'], ready);
    expect(calls.filter((call) => !/ get | version$/.test(call))).toEqual([
      `${ns} patch service.serving.knative.dev blur --type merge --patch {"spec":{"template":{"metadata":{"annotations":{"autoscaling.knative.dev/max-scale":"12"}}}}}`,
      `${ns} delete revision.serving.knative.dev blur-00002`,
      `${ns} annotate scaledobject.keda.sh blur-00003 autoscaling.keda.sh/force-activation- --overwrite`,
    ]);
    expect(stdout).toBe('waiting until Ready: blur\nblur: 0 to 12 pods\n');
    expect(code).toBe(0);
  });

  it('sets it on the ScaledObject in the fallback', async () => {
    const rules = [...present('namespace other'), { call: 'scaled-by', stdout: 'deployment' }];
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

  it('refuses a ceiling below the floor, before it changes anything', async () => {
    const annotation = '{\n  "spec": {\n    "idleReplicaCount": 0,\n    "minReplicaCount": 3,\n  }\n}\n';
    const rules = [{ call: 'scaled-object-override', stdout: annotation }, ...ready];
    const { code, stderr, calls } = await shell.run('scale.sh', ['2'], rules);
    expect(stderr).toBe(
      'error: 3 pods start at once when there is work: deploy.sh --floor sets that number\n',
    );
    expect(calls.filter((call) => call.includes(' patch '))).toEqual([]);
    expect(code).toBe(2);
    expect((await shell.run('scale.sh', ['3'], rules)).code).toBe(0);
  });

  it('removes nothing when the new revision does not become ready', async () => {
    const rules = [services({ blur: { created: 'blur-00003', ready: 'blur-00002' } }), ...ready];
    const { code, stderr, calls } = await shell.run('scale.sh', ['12', '--timeout', '1'], rules);
    expect(stderr).toContain('error: blur is not Ready after 1 s');
    expect(calls.some((call) => call.includes(' delete '))).toBe(false);
    expect(code).toBe(2);
  });
});

describe('status.sh', () => {
  it('shows services, pods, scaling and counts, calling no function', async () => {
    const rules = [
      ...present('namespace tessera', 'customresourcedefinition scaledobjects.keda.sh', 'statefulset redis'),
      { call: 'get configmap tessera', stdout: 'photos' },
      {
        call: 'redis-cli EVAL #!lua .*local prefix = KEYS.* 1 photos 1000',
        stdout: 'queue\n35\nleases\n4\ndone\n2\nfailed\n1\ncancelled\n0\ninProgress\n3\n',
      },
    ];
    const { code, stdout, calls } = await shell.run('status.sh', [], rules);
    expect(stdout).toContain('work: queue 35 leases 4\nimages: done 2 failed 1 cancelled 0 in progress 3\n');
    expect(calls).toContain(`${ns} get services.serving.knative.dev`);
    expect(calls).toContain(`${ns} get revisions.serving.knative.dev`);
    expect(calls).toContain(`${ns} get scaledobjects.keda.sh,horizontalpodautoscalers`);
    expect(calls.some((call) => call.startsWith('curl'))).toBe(false);
    expect(code).toBe(0);
  });

  it('shows the rest if a part is not available', async () => {
    const rules: Rule[] = [
      { call: 'get services.serving.knative.dev', exit: 1 },
      ...present('namespace tessera'),
    ];
    const { code, stdout } = await shell.run('status.sh', [], rules);
    expect(stdout).toContain('== Knative services\n(not available)');
    expect(stdout).toContain('== Pods');
    expect(code).toBe(2);
  });
});

describe('logs.sh', () => {
  const here = present(
    'namespace tessera',
    'service.serving.knative.dev blur',
    'service.serving.knative.dev dead-events',
    'statefulset redis',
  );

  it('reads all pods of a function', async () => {
    const rules = [{ call: 'get pods', stdout: 'pod/blur-1' }, ...here];
    const { calls } = await shell.run('logs.sh', ['blur', '--follow', '--tail', '5'], rules);
    expect(calls.at(-1)).toBe(
      `${ns} logs --selector app.kubernetes.io/name=blur --container blur --prefix --max-log-requests=50 --follow --tail=5`,
    );
  });

  it('says that a function has scaled to zero', async () => {
    const { code, stdout } = await shell.run('logs.sh', ['blur'], here);
    expect(stdout).toBe('no blur pod is running: it has scaled to zero\n');
    expect(code).toBe(0);
  });

  it.each([
    ['blur', 'namespace tessera has no blur: scripts/deploy.sh deploys it'],
    ['dead-events', 'dead-events belongs to the broker overlay, which is not deployed here'],
    ['redis', 'namespace tessera has no Redis of its own: it was deployed with redis-external'],
  ])('says that %s is not deployed', async (what, said) => {
    const { code, stderr } = await shell.run('logs.sh', [what], present('namespace tessera'));
    expect(stderr).toBe(`error: ${said}\n`);
    expect(code).toBe(2);
  });

  it('reads Redis and the KEDA operator, wherever that is', async () => {
    const redis = await shell.run('logs.sh', ['redis'], here);
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
