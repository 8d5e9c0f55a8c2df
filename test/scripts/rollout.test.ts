// How deploy.sh makes new revisions Ready on a busy or full cluster, and what it says if it cannot.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { container, homeless, pods, readyCluster, services } from './cluster-states.ts';
import { openShell, present, type Outcome, type Rule, type Shell } from './shell.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell(['kubectl']);
});
afterAll(() => shell.clean());

const ns = 'kubectl --namespace tessera';
const shortOfCpu =
  '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No victims';

const cluster: Rule[] = [
  ...present('scaledobject.keda.sh blur-00001', 'scaledobject.keda.sh blur-00002'),
  ...readyCluster,
];

const all = { split: { created: 'split-00002' }, assemble: { created: 'assemble-00002' } };
const blurWaits = { created: 'blur-00002', ready: 'blur-00001' };
const everyoneReady = services({ split: all.split, blur: { created: 'blur-00002' }, assemble: all.assemble });
const waitingForBlur = services({ split: all.split, blur: blurWaits, assemble: all.assemble });

const run = (rules: Rule[], args: string[] = []): Promise<Outcome> =>
  shell.run('deploy.sh', args, [...rules, ...cluster]);

/** The changes to the scaling of blur, in order. */
const scalingOf = ({ calls }: Outcome): string[] =>
  calls.filter((call) => / (annotate|scale|delete) /.test(call)).map((call) => call.replace(`${ns} `, ''));

const keep = 'annotate scaledobject.keda.sh blur-00002 autoscaling.keda.sh/force-activation=true --overwrite';
const letGo = 'annotate scaledobject.keda.sh blur-00002 autoscaling.keda.sh/force-activation- --overwrite';
const bringBack = 'scale deployment blur-00002-deployment --replicas=1';
const pause = 'annotate scaledobject.keda.sh blur-00001 autoscaling.keda.sh/paused-replicas=0 --overwrite';
const goOn = 'annotate scaledobject.keda.sh blur-00001 autoscaling.keda.sh/paused-replicas- --overwrite';
const prune = 'delete revision.serving.knative.dev blur-00001';

describe('deploy.sh while a revision is not Ready', () => {
  it('makes KEDA keep its first pod until then', async () => {
    const outcome = await run([{ ...everyoneReady, after: 'force-activation=true' }, waitingForBlur]);
    expect(scalingOf(outcome)).toEqual([keep, prune, letGo]);
    expect(outcome.code).toBe(0);
  });

  it('brings back a pod that KEDA removed before Knative saw it', async () => {
    const none = { call: 'get deployment blur-00002-deployment', stdout: '0' };
    const outcome = await run([{ ...everyoneReady, after: '--replicas=1' }, waitingForBlur, none]);
    expect(scalingOf(outcome)).toEqual([keep, bringBack, prune, letGo]);
    expect(outcome.stdout).toContain('blur-00002 has no pod and was never Ready: bringing one back\n');
    expect(outcome.code).toBe(0);
  });

  it.each(['blur', 'assemble'])(
    "removes blur's other pods if %s finds no room, and brings them back when all are Ready",
    async (name) => {
      const waits = { created: `${name}-00002`, ready: `${name}-00001` };
      const outcome = await run([
        { ...everyoneReady, after: 'paused-replicas=0' },
        services({
          split: all.split,
          blur: { created: 'blur-00002' },
          assemble: all.assemble,
          [name]: waits,
        }),
        pods(`serving.knative.dev/revision=${name}-00002`, { [`${name}-00002-a`]: homeless(shortOfCpu, 60) }),
      ]);
      const pauseBoth = [
        pause,
        pause.replace('00001', '00002'),
        prune,
        letGo,
        goOn,
        goOn.replace('00001', '00002'),
      ];
      expect(scalingOf(outcome)).toEqual(name === 'blur' ? [keep, pause, prune, letGo, goOn] : pauseBoth);
      expect(outcome.stdout).toContain(
        `no node has room for ${name}-00002: the pods of blur-00001 make room until it is Ready\n`,
      );
      expect(outcome.code).toBe(0);
    },
  );

  it('takes the pods of a Deployment away that the fallback overlay made', async () => {
    const outcome = await run([
      ...present('scaledobject.keda.sh blur-worker'),
      { call: 'get revisions.serving.knative.dev', stdout: 'blur-00002' },
      { ...everyoneReady, after: 'blur-worker .*paused-replicas=0' },
      waitingForBlur,
      pods('serving.knative.dev/revision=blur-00002', { 'blur-00002-a': homeless(shortOfCpu, 60) }),
    ]);
    const ofWorker = (call: string): string => call.replace('blur-00001', 'blur-worker');
    expect(scalingOf(outcome)).toEqual([keep, ofWorker(pause), letGo, ofWorker(goOn)]);
    expect(outcome.code).toBe(0);
  });

  it.each([
    ['has just been made', shortOfCpu, 3],
    ['waits for something else than room', '0/1 nodes are available: 1 had untolerated taint', 60],
  ])('removes no pods for a pod that %s', async (_name, message, forSeconds) => {
    const status = homeless(message, forSeconds);
    const homes = pods('serving.knative.dev/revision=blur-00002', { 'blur-00002-a': status });
    const outcome = await run([waitingForBlur, homes], ['--timeout', '1']);
    expect(scalingOf(outcome)).toEqual([keep, letGo]);
    expect(outcome.code).toBe(2);
  });

  it('brings back the pods of the old revision if the new one does not become Ready', async () => {
    const homes = pods('serving.knative.dev/revision=blur-00002', {
      'blur-00002-a': homeless(shortOfCpu, 60),
    });
    const outcome = await run([waitingForBlur, homes], ['--timeout', '1']);
    expect(scalingOf(outcome)).toEqual([keep, pause, letGo, goOn]);
    expect(outcome.code).toBe(2);
  });

  it('does not touch the old revision until the new one exists', async () => {
    const unseen = services({
      split: all.split,
      blur: { created: 'blur-00001', isSeen: false },
      assemble: all.assemble,
    });
    const none = { call: 'get deployment blur-0000.-deployment', stdout: '0' };
    const asked = 'get services.serving.*get services.serving';
    const outcome = await run([{ ...everyoneReady, after: asked }, unseen, none]);
    expect(scalingOf(outcome)).toEqual([prune, letGo]);
    expect(outcome.code).toBe(0);
  });

  it('marks the new revision again if that failed', async () => {
    const failing = { call: 'annotate .*force-activation=true', stderr: 'conflict', exit: 1 };
    const again = { ...failing, after: 'force-activation=true', exit: 0 };
    const marked = { ...everyoneReady, after: 'force-activation=true.*force-activation=true' };
    const outcome = await run([marked, again, failing, waitingForBlur]);
    expect(scalingOf(outcome)).toEqual([keep, keep, prune, letGo]);
    expect(outcome.code).toBe(0);
  });

  it('continues to wait if the API server fails to answer', async () => {
    const failing = { call: 'get services.serving.knative.dev split', stderr: 'timed out', exit: 1 };
    const outcome = await run([
      { ...everyoneReady, after: 'get services.serving.*get services.serving' },
      failing,
    ]);
    expect(outcome.code).toBe(0);
  });
});

const events = (...messages: string[]): string =>
  JSON.stringify({ items: messages.map((message) => ({ message })) });

describe('deploy.sh when a revision did not become Ready', () => {
  const scaledObject = (conditions: object[]): Rule => ({
    call: 'get scaledobject.keda.sh blur-00002 --output json',
    stdout: JSON.stringify({ metadata: { name: 'blur-00002' }, status: { conditions } }),
  });
  const blurPod = (status: object): Rule =>
    pods('serving.knative.dev/revision=blur-00002', { 'blur-00002-a': status });
  const noPod = pods('serving.knative.dev/revision=blur-00002', {});
  const notReady = 'blur is not Ready after 1 s: ';

  it.each<[fault: string, rules: Rule[], said: string]>([
    [
      'there is no room',
      [blurPod(homeless(shortOfCpu, 60))],
      'blur-00002-a is Pending: 0/1 nodes are available: 1 Insufficient cpu',
    ],
    [
      'its image cannot be pulled',
      [
        blurPod(
          container('blur', { state: { waiting: { reason: 'ImagePullBackOff', message: 'not found' } } }),
        ),
      ],
      'blur of blur-00002-a cannot start: ImagePullBackOff: not found',
    ],
    [
      'it crashes',
      [
        blurPod(
          container('blur', {
            state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
            lastState: { terminated: { exitCode: 1, message: 'at main.js:1\nKERNEL_SIZE is 4\n' } },
          }),
        ),
      ],
      'blur of blur-00002-a ended with exit code 1: KERNEL_SIZE is 4',
    ],
    [
      'it says so itself',
      [blurPod(container('blur', { state: { running: {} } }))],
      'blur of blur-00002-a runs but says that it is not ready',
    ],
    [
      'KEDA does not run',
      [noPod, scaledObject([])],
      'KEDA has not looked at the ScaledObject blur-00002: is its operator running?',
    ],
    [
      'KEDA cannot read the queues',
      [noPod, scaledObject([{ type: 'Ready', status: 'False', message: 'Triggers are not working' }])],
      'KEDA: Triggers are not working (scripts/logs.sh keda)',
    ],
    [
      'autoscaler-keda does not run',
      [noPod, { call: 'get scaledobject.keda.sh blur-00002' }],
      'autoscaler-keda made no ScaledObject blur-00002: is its pod in knative-serving running?',
    ],
    [
      'only Knative knows why',
      [
        noPod,
        scaledObject([{ type: 'Ready', status: 'True' }]),
        { call: 'get service.serving.knative.dev blur --output', stdout: 'Ingress has not been reconciled' },
      ],
      'Ingress has not been reconciled',
    ],
  ])('says in one line that %s', async (_fault, rules, said) => {
    const outcome = await run([waitingForBlur, ...rules], ['--timeout', '1', '--registry', 'ghcr.io/acme']);
    expect(outcome.stderr).toBe(`error: ${notReady}${said}\n`);
    expect(outcome.calls.some((call) => call.includes(' delete '))).toBe(false);
    expect(outcome.code).toBe(2);
  });

  it('shows the reason from Knative if there is no new revision', async () => {
    const unseen = services({
      split: { created: 'split-00001', isSeen: false },
      blur: { created: 'blur-00002' },
      assemble: all.assemble,
    });
    const said = {
      call: 'get service.serving.knative.dev split --output .*conditions',
      stdout: 'admission webhook is down',
    };
    const outcome = await run([unseen, said], ['--timeout', '1']);
    expect(outcome.stderr).toBe('error: split is not Ready after 1 s: admission webhook is down\n');
    expect(outcome.code).toBe(2);
  });

  it('does not wait for an image that was not built and cannot be pulled', async () => {
    const reason = {
      call: 'get pods --selector serving.knative.dev/revision=blur-00002',
      stdout: 'ErrImagePull',
    };
    const outcome = await run([waitingForBlur, reason]);
    expect(outcome.stderr).toBe(
      'error: the image of blur is not on the node: scripts/cluster.sh images builds that of this code and loads it\n',
    );
    expect(scalingOf(outcome)).toEqual([keep, letGo]);
    expect(outcome.code).toBe(2);
  });

  it('asks again if one call about the image fails', async () => {
    const call = 'get pods --selector serving.knative.dev/revision=blur-00002 --output jsonpath';
    const busy = { call, stderr: 'error: etcdserver: request timed out', exit: 1 };
    const { code, stdout, stderr } = await run([busy, { ...everyoneReady, after: call }, waitingForBlur]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('deployed: ');
  });

  it('says which volume claim stays Pending, and why, when Redis waits for it', async () => {
    const outcome = await run(
      [
        { call: 'rollout status statefulset/redis', exit: 1 },
        pods('app.kubernetes.io/name=redis', {
          'redis-0': homeless(
            '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims',
            60,
          ),
        }),
        { call: 'get persistentvolumeclaims', stdout: 'redis-data' },
        {
          call: 'get events --field-selector .*=redis-data',
          stdout: events('binding', 'no storage class is set'),
        },
      ],
      ['--timeout', '1'],
    );
    expect(outcome.stderr).toBe(
      'error: Redis is not ready after 1 s: the volume claim redis-data is Pending: no storage class is set\n',
    );
    expect(outcome.code).toBe(2);
  });
});
