import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { overrideAnnotation } from '../../scripts/generate-override.ts';
import { render } from '../manifests/render.ts';
import { configMapData, find, functionTemplate, type Manifest } from '../manifests/shapes.ts';
import {
  container,
  deployments,
  homeless,
  kedaOperator,
  neededTypes,
  pods,
  readyCluster,
  resourceTypes,
  serving,
} from './cluster-states.ts';
import { openShell, present, type Rule, type Shell } from './shell.ts';

let shell: Shell;
let folder: string;
beforeAll(async () => {
  shell = await openShell(['kubectl', 'kn']);
  folder = await mkdtemp(join(tmpdir(), 'tessera-deploy-'));
});
afterAll(async () => {
  await shell.clean();
  await rm(folder, { recursive: true });
});

/** Returns the calls that change the cluster or wait for it, without temporary paths. */
const deeds = (calls: string[]): string[] =>
  calls
    .filter((call) => !/ (get|version)\b/.test(call))
    .map((call) => call.replace(/--kustomize \S+/, '--kustomize DIR').replace(/\/dev\/fd\/\d+/g, 'FD'));

const withBroker: Rule[] = [
  resourceTypes(...neededTypes, 'brokers.eventing.knative.dev'),
  deployments('knative-eventing', { 'mt-broker-ingress': '1.22.2' }),
  ...readyCluster,
];

describe('deploy.sh', () => {
  it('applies the default overlay, waits for all of it, removes the old revision and prints the URL', async () => {
    const { code, stdout, calls } = await shell.run('deploy.sh', [], readyCluster);
    expect(deeds(calls)).toEqual([
      'kubectl apply --kustomize DIR',
      'kubectl --namespace tessera rollout status statefulset/redis --timeout=300s',
      'kubectl --namespace tessera delete revision.serving.knative.dev blur-00001',
      'kubectl --namespace tessera annotate scaledobject.keda.sh blur-00002 autoscaling.keda.sh/force-activation- --overwrite',
    ]);
    expect(stdout).toBe(
      'waiting until Ready: split blur assemble\n' +
        'deployed: overlay=default namespace=tessera max=4 split=http://split.tessera.example.com\n',
    );
    expect(code).toBe(0);
  });

  it('lists everything that a bare cluster lacks, and applies nothing', async () => {
    const { code, stderr, calls } = await shell.run('deploy.sh');
    expect(stderr).toContain('Knative Serving 1.22.1');
    expect(stderr).toContain('KEDA 2.20.2');
    expect(stderr).toContain('autoscaler-keda extension 1.22.0');
    expect(deeds(calls)).toEqual([]);
    expect(code).toBe(1);
  });

  it('needs a cluster', async () => {
    const rules = [{ call: '^kubectl version', exit: 1 }];
    const { code, stderr, calls } = await shell.run('deploy.sh', [], rules);
    expect(stderr).toContain('kubectl reaches no cluster');
    expect(calls).toEqual(['kubectl version --output yaml']);
    expect(code).toBe(2);
  });

  it.each<[name: string, args: string[], rules: Rule[], said: string]>([
    [
      'stock serving-hpa',
      [],
      [deployments('knative-serving', { ...serving, 'autoscaler-hpa': '1.22.1' })],
      'serving-hpa',
    ],
    ['flags for volumes', ['--overlay', 'pvc'], [], 'kubernetes.podspec-persistent-volume-write'],
    ['Broker', ['--overlay', 'broker'], [], 'Knative Eventing'],
    ['Prometheus operator', ['--with', 'metrics'], [], 'the Prometheus operator, for --with metrics'],
    ['Secrets of a Redis elsewhere', ['--with', 'redis-external'], [], 'the Secret tessera-redis'],
    [
      'KEDA admitted by label',
      [],
      [kedaOperator('autoscaling', '2.20.2')],
      'kubectl label namespace autoscaling tessera.dev/keda=true',
    ],
  ])('stops over: %s', async (_name, args, rules, said) => {
    const { code, stderr, calls } = await shell.run('deploy.sh', args, [...rules, ...readyCluster]);
    expect(stderr).toContain(said);
    expect(deeds(calls)).toEqual([]);
    expect(code).toBe(1);
  });

  const withKourier = { ...serving, 'net-kourier-controller': '1.22.0' };

  it.each<[said: string, rule: Rule]>([
    [
      'Kubernetes is 1.31.2; Tessera is made for 1.35',
      { call: '^kubectl version --output yaml', stdout: 'serverVersion:\n  gitVersion: v1.31.2\n' },
    ],
    [
      'Knative Serving is 1.19.0; Tessera is made for 1.22',
      deployments('knative-serving', { ...withKourier, controller: '1.19.0' }),
    ],
    ['KEDA is 2.17.1; Tessera is made for 2.20', kedaOperator('keda', 'v2.17.1')],
    [
      'autoscaler-keda does not say its version; Tessera is made for 1.22',
      deployments('knative-serving', { ...withKourier, 'autoscaler-keda': 'devel' }),
    ],
    [
      'Kourier is 1.2.0; Tessera is made for 1.22',
      deployments('knative-serving', { ...withKourier, 'net-kourier-controller': '1.2.0' }),
    ],
    [
      'kn is 1.8.1; Tessera is made for 1.22',
      { call: '^kn version', stdout: 'Version:      v1.8.1\nBuild Date:   2023-01-24 10:00:00\n' },
    ],
  ])('only notes another minor version: %s', async (said, rule) => {
    const rules = [rule, deployments('knative-serving', withKourier), ...readyCluster];
    const outcome = await shell.run('deploy.sh', [], rules);
    expect(outcome.stdout).toMatch(/^note: [^\n]*\nwaiting [^\n]*\ndeployed: /);
    expect(outcome.stdout).toContain(`note: ${said}\n`);
    expect(outcome.code).toBe(0);
  });

  const volumes = [{ call: 'get configmap config-features', stdout: 'enabled' }, ...readyCluster];
  const job = (condition: string): Rule => ({ call: 'get job prepare-volume', stdout: condition });
  const prepared = job('Complete');

  it('accepts the pvc overlay if both flags are on', async () => {
    expect((await shell.run('deploy.sh', ['--overlay', 'pvc'], [prepared, ...volumes])).code).toBe(0);
  });

  it('stops at once if the volume cannot be prepared, with what its pod said before it was removed', async () => {
    const message = 'mkdir: cannot create directory: Permission denied';
    const crashed = container('prepare', { lastState: { terminated: { exitCode: 1, message } } });
    const rules = [
      { ...pods('app.kubernetes.io/name=prepare-volume', { 'prepare-volume-x': crashed }) },
      { ...job('Failed'), after: 'get pods --selector app.kubernetes.io/name=prepare-volume' },
      ...volumes,
    ];
    const { code, stderr } = await shell.run('deploy.sh', ['--overlay', 'pvc'], rules);
    expect(stderr).toBe(
      `error: the volume could not be prepared: prepare of prepare-volume-x ended with exit code 1: ${message}\n`,
    );
    expect(code).toBe(2);
  });

  it('says why the volume is not prepared in time, also if a call fails meanwhile', async () => {
    const stuck = pods('app.kubernetes.io/name=prepare-volume', {
      'prepare-volume-x': homeless('no volume', 1),
    });
    const failing = { call: 'get job prepare-volume', stderr: 'error: timeout', exit: 1 };
    const args = ['--overlay', 'pvc', '--timeout', '1'];
    const { code, stderr } = await shell.run('deploy.sh', args, [stuck, failing, ...volumes]);
    expect(stderr).toBe(
      'error: the volume is not prepared after 1 s: prepare-volume-x is Pending: no volume\n',
    );
    expect(code).toBe(2);
  });

  it('makes the Job of the pvc overlay anew, because Kubernetes changes no Job, and waits until it is done', async () => {
    const { code, calls } = await shell.run('deploy.sh', ['--overlay', 'pvc'], [prepared, ...volumes]);
    expect(deeds(calls).slice(0, 3)).toEqual([
      'kubectl --namespace tessera delete job prepare-volume --ignore-not-found --timeout=300s',
      'kubectl apply --kustomize DIR',
      'kubectl --namespace tessera rollout status statefulset/redis --timeout=300s',
    ]);
    expect(code).toBe(0);
  });

  it('waits for the Broker, its Trigger and dead-events in the broker overlay', async () => {
    const { code, stdout, calls } = await shell.run('deploy.sh', ['--overlay', 'broker'], withBroker);
    const wait = 'kubectl --namespace tessera wait --for=condition=Ready --timeout=300s';
    expect(deeds(calls)).toContain(`${wait} broker.eventing.knative.dev/images`);
    expect(deeds(calls)).toContain(`${wait} trigger.eventing.knative.dev/blurred`);
    expect(stdout).toContain('waiting until Ready: split blur assemble dead-events\n');
    expect(code).toBe(0);
  });

  it.each(['broker.eventing.knative.dev/images', 'trigger.eventing.knative.dev/blurred'])(
    'stops over the broker overlay if %s does not become Ready',
    async (resource) => {
      const late = { call: `wait .*${resource}`, exit: 1 };
      const { code, stderr } = await shell.run('deploy.sh', ['--overlay', 'broker'], [late, ...withBroker]);
      expect(stderr).toContain(`error: ${resource} is not Ready after 300 s (`);
      expect(code).toBe(2);
    },
  );

  it('waits for the ScaledObject in the fallback, which needs no extension', async () => {
    const rules = [deployments('knative-serving', { controller: '1.22.1' }), ...readyCluster];
    const { code, calls } = await shell.run('deploy.sh', ['--overlay', 'fallback'], rules);
    expect(deeds(calls)).toContain(
      'kubectl --namespace tessera wait --for=condition=Ready --timeout=300s scaledobject.keda.sh/blur-worker',
    );
    expect(code).toBe(0);
  });

  it('removes no revision while the newest one is not ready', async () => {
    const rules = [{ call: 'latestCreatedRevisionName', stdout: 'blur-00002 blur-00001' }, ...readyCluster];
    const { code, stderr, calls } = await shell.run('deploy.sh', [], rules);
    expect(stderr).toContain("blur's newest revision (blur-00002) is not the ready one (blur-00001)");
    expect(calls.some((call) => call.includes('delete'))).toBe(false);
    expect(code).toBe(2);
  });

  it('stops when the overlay cannot be applied', async () => {
    const rules = [{ call: 'apply --kustomize', exit: 1, stderr: 'denied' }, ...readyCluster];
    const { code, calls } = await shell.run('deploy.sh', [], rules);
    expect(calls.at(-1)).toContain('apply --kustomize');
    expect(code).not.toBe(0);
  });

  it('creates the Secrets of redis-auth if they are missing, with no password on a command line', async () => {
    const rules = [{ call: 'go-template', stdout: 'swordfish' }, ...readyCluster];
    const { code, calls } = await shell.run('deploy.sh', ['--with', 'redis-auth'], rules);
    expect(deeds(calls).slice(1, 3)).toEqual([
      'kubectl --namespace tessera create secret generic redis-auth --from-file=password=FD --from-file=auth.conf=FD',
      'kubectl --namespace tessera create secret generic tessera-redis --from-file=REDIS_URL=FD',
    ]);
    expect(calls.join('\n')).not.toContain('swordfish');
    expect(code).toBe(0);
  });

  it('keeps existing Secrets of redis-auth', async () => {
    const rules = [...present('secret redis-auth', 'secret tessera-redis'), ...readyCluster];
    const { code, calls } = await shell.run('deploy.sh', ['--with', 'redis-auth'], rules);
    expect(calls.some((call) => call.includes('create'))).toBe(false);
    expect(code).toBe(0);
  });

  it('creates the Secret of auth if it is missing, with no token on a command line', async () => {
    const { code, stdout, stderr, calls } = await shell.run('deploy.sh', ['--with', 'auth'], readyCluster);
    expect(deeds(calls).slice(0, 3)).toEqual([
      expect.stringMatching(/^kubectl apply --filename .*namespace\.yaml$/),
      'kubectl --namespace tessera create secret generic tessera-auth --from-file=AUTH_TOKEN=FD',
      'kubectl apply --kustomize DIR',
    ]);
    expect(stdout + stderr).not.toMatch(/[A-Za-z0-9]{32}/);
    expect(code).toBe(0);
  });

  it('keeps an existing Secret of auth', async () => {
    const rules = [...present('secret tessera-auth'), ...readyCluster];
    const { code, calls } = await shell.run('deploy.sh', ['--with', 'auth'], rules);
    expect(calls.some((call) => call.includes('create'))).toBe(false);
    expect(code).toBe(0);
  });

  it.each([
    [['--overlay', 'nope'], 'no overlay "nope": there are broker default fallback pvc'],
    [['--overlay', '.'], 'no overlay ".": there are broker default fallback pvc'],
    [['--overlay', '../knative'], 'no overlay "../knative"'],
    [['--with', 'nope'], 'no component "nope"'],
    [['--with', 'redis-auth', '--with', 'redis-external'], 'redis-auth is for the Redis of Tessera'],
    [
      ['--with', 'redis-external', '--with', 'redis-ephemeral'],
      'redis-ephemeral is for the Redis of Tessera',
    ],
    [
      ['--with', 'redis-external', '--with', 'redis-auth', '--print'],
      'redis-auth is for the Redis of Tessera',
    ],
    [['--with', 's3', '--overlay', 'pvc'], 's3 is for images in buckets'],
    [['--with', 's3', '--input', '/data'], 'not a place in a bucket: "/data"'],
    [['--with', 's3', '--output', 's3://a b'], 'not a place in a bucket: "s3://a b"'],
    [['--with', 's3', '--output', 's3://tessera'], '--input is inside --output'],
    [['--with', 's3', '--s3-endpoint', 'minio:9000'], 'not the address of a service: "minio:9000"'],
    [['--with', 's3', '--s3-endpoint', 'http://minio:90:00'], 'not the address of a service'],
    [['--with', 's3', '--s3-role', 'tessera'], 'not a role: "tessera"'],
    [['--output', 's3://pictures/out'], '--output needs --with s3'],
    [['--max', '0'], '--max is an integer from 1'],
    [['--max', 'many'], '--max is an integer from 1'],
    [['--redis-cpu', '0.5'], '--redis-cpu is a number of cores or of millicores (500m), not "0.5"'],
    [['--redis-cpu', '0'], '--redis-cpu is a number of cores'],
    [['--floor', '0'], '--floor is an integer from 1'],
    [['--floor', '5'], '--floor 5 is more than --max 4'],
    [['--namespace', 'A B'], 'not a namespace'],
    [['--tag', 'a/b'], "not an image's name"],
    [['--overlay'], '--overlay needs a value'],
  ])('refuses %j before it calls anything', async (args, said) => {
    const { code, stderr, calls } = await shell.run('deploy.sh', args, readyCluster);
    expect(stderr).toContain(said);
    expect(calls).toEqual([]);
    expect(code).toBe(2);
  });
});

/** Returns the resources that a deployment with these options applies. */
async function applied(args: string[], rules: Rule[] = []): Promise<Manifest[]> {
  const { folder, code, stderr } = await shell.run('deploy.sh', args, [...rules, ...readyCluster]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return render(join(folder, 'applied/deploy'));
}

/** Returns what identifies blur's revision, with a Secret at this version. */
async function stamp(
  args: string[],
  secretVersion: string,
  secret = 'tessera-redis',
): Promise<string | undefined> {
  const rules = [
    { call: `get secrets .*${secret} .*resourceVersion`, stdout: `${secret} ${secretVersion} ` },
  ];
  return functionTemplate(await applied(args, rules), 'blur').metadata.annotations?.['tessera.dev/config'];
}

describe('what deploy.sh applies', () => {
  it('is the overlay with the requested images and ceiling', async () => {
    const manifests = await applied(['--registry', 'ghcr.io/acme', '--tag', '7', '--max', '9']);
    for (const name of ['split', 'blur', 'assemble']) {
      const { image } = functionTemplate(manifests, name).spec.containers[0];
      expect(image).toBe(`ghcr.io/acme/tessera-${name}:7`);
    }
    const maximum = (name: string): string | undefined =>
      functionTemplate(manifests, name).metadata.annotations?.['autoscaling.knative.dev/max-scale'];
    expect([maximum('blur'), maximum('split')]).toEqual(['9', '4']);
  });

  it('is the code of this checkout, with the tag of its build', async () => {
    const { image } = functionTemplate(await applied([]), 'split').spec.containers[0];
    expect(image).toMatch(/^dev\.local\/tessera-split:\d+\.\d+\.\d+-[0-9a-f]{12}$/);
  });

  it('pins images by digest if there is a file with digests', async () => {
    const file = join(folder, 'digests');
    const digestOf = (digit: string): string => `sha256:${digit.repeat(64)}`;
    await writeFile(file, `split ${digestOf('1')}\nblur ${digestOf('2')}\nassemble ${digestOf('3')}\n`);
    const manifests = await applied(['--registry', 'ghcr.io/acme', '--digests', file]);
    const { image } = functionTemplate(manifests, 'blur').spec.containers[0];
    expect(image).toBe(`ghcr.io/acme/tessera-blur@${digestOf('2')}`);
    await writeFile(file, `split ${digestOf('1')}\nblur latest\n`);
    const { code, stderr, calls } = await shell.run('deploy.sh', ['--digests', file]);
    expect(stderr).toBe(`error: ${file} has no digest of blur\n`);
    expect({ code, calls }).toEqual({ code: 2, calls: [] });
  });

  it('scales the fallback by its ScaledObject', async () => {
    const manifests = await applied(['--overlay', 'fallback', '--max', '9']);
    const scaledObject = find(manifests, 'keda.sh/v1alpha1 ScaledObject', 'blur-worker');
    expect(scaledObject?.spec).toHaveProperty('maxReplicaCount', 9);
  });

  it.each(['default', 'fallback'])('goes from 0 to the floor at once, in the overlay %s', async (overlay) => {
    const manifests = await applied(['--overlay', overlay, '--max', '9', '--floor', '3']);
    const annotation = functionTemplate(manifests, 'blur').metadata.annotations?.[overrideAnnotation];
    const scaledObject =
      overlay === 'default'
        ? (JSON.parse(annotation ?? '') as Manifest)
        : find(manifests, 'keda.sh/v1alpha1 ScaledObject', 'blur-worker');
    expect(scaledObject?.spec).toMatchObject({ idleReplicaCount: 0, minReplicaCount: 3 });
  });

  it('changes every address for another namespace', async () => {
    const manifests = await applied(['--namespace', 'other', '--overlay', 'broker'], withBroker);
    expect(configMapData(manifests, 'tessera').REDIS_URL).toBe('redis://redis.other.svc.cluster.local:6379');
    expect(JSON.stringify(manifests)).not.toMatch(/tessera\.svc|cluster\.local\/tessera/);
    expect(JSON.stringify(functionTemplate(manifests, 'blur'))).toContain('cluster.local/other/images');
    expect(find(manifests, 'v1 Namespace', 'other')).toBeDefined();
    expect(manifests.every((each) => each.kind === 'Namespace' || each.metadata.namespace === 'other')).toBe(
      true,
    );
  });

  it('makes a new revision if a setting or a Secret has changed, and none otherwise', async () => {
    const first = await stamp([], '1');
    expect(await stamp([], '1')).toBe(first);
    expect(await stamp([], '2')).not.toBe(first);
    expect(await stamp([], '1', 'tessera-auth')).not.toBe(await stamp([], '2', 'tessera-auth'));
    expect(await stamp(['--namespace', 'other'], '1')).not.toBe(first);
  });

  it('keeps images in the buckets that are named, with a role for the pods', async () => {
    const options = [
      '--input',
      's3://in-bucket',
      '--output',
      's3://pictures/out',
      '--s3-region',
      'eu-west-1',
    ];
    const service = ['--s3-endpoint', 'http://minio.minio:9000', '--s3-role', 'arn:aws:iam::1:role/a'];
    const manifests = await applied(['--with', 's3', ...options, ...service]);
    expect(configMapData(manifests, 'tessera')).toMatchObject({
      STORE: 's3',
      INPUT_PATH: 's3://in-bucket',
      OUTPUT_PATH: 's3://pictures/out',
      S3_ENDPOINT: 'http://minio.minio:9000',
      S3_REGION: 'eu-west-1',
    });
    const roles = ['split', 'assemble', 'blur'].map(
      (name) =>
        find(manifests, 'v1 ServiceAccount', name)?.metadata.annotations?.['eks.amazonaws.com/role-arn'],
    );
    expect(roles).toEqual(['arn:aws:iam::1:role/a', 'arn:aws:iam::1:role/a', undefined]);
  });

  it.each([
    ['aws', [443, 9000, 7480]],
    ['http://minio.minio:9000/', [443, 9000, 7480]],
    ['http://minio.minio:9999/', [443, 9000, 7480, 9999]],
    ['http://minio.minio', [443, 9000, 7480, 80]],
  ])('opens the port of the S3 service %s', async (endpoint, ports) => {
    const policy = find(
      await applied(['--with', 's3', '--s3-endpoint', endpoint]),
      'networking.k8s.io/v1 NetworkPolicy',
      's3',
    );
    const { egress } = policy!.spec as { egress: { ports: { port: number; protocol: string }[] }[] };
    expect(egress[0].ports).toEqual(ports.map((port) => ({ port, protocol: 'TCP' })));
  });

  it('makes a new revision if a bucket or its keys have changed', async () => {
    const first = await stamp(['--with', 's3'], '1', 'tessera-s3');
    expect(await stamp(['--with', 's3'], '1', 'tessera-s3')).toBe(first);
    expect(await stamp(['--with', 's3'], '2', 'tessera-s3')).not.toBe(first);
    expect(await stamp(['--with', 's3', '--output', 's3://tessera/else'], '1', 'tessera-s3')).not.toBe(first);
  });

  it('adds the components', async () => {
    const rules = present('secret redis-auth', 'secret tessera-redis');
    const manifests = await applied(['--with', 'redis-auth', '--with', 'redis-ephemeral'], rules);
    expect(find(manifests, 'keda.sh/v1alpha1 TriggerAuthentication', 'redis')).toBeDefined();
    expect(find(manifests, 'v1 PersistentVolumeClaim', 'redis-data')).toBeUndefined();
  });
});
