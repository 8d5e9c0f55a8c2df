// What deploy.sh does with resources that an earlier deployment with other options left on the cluster.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { neededTypes, readyCluster, resourceTypes } from './cluster-states.ts';
import { openShell, type Outcome, type Rule, type Shell } from './shell.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell(['kubectl']);
});
afterAll(() => shell.clean());

const applied = {
  call: '^kubectl apply --kustomize',
  stdout:
    'service.serving.knative.dev/blur configured\nservice/redis unchanged\nnetworkpolicy.networking.k8s.io/redis unchanged\n',
};

interface Found {
  apiVersion: string;
  kind: string;
  name: string;
  ownerReferences?: object[];
}

/** The existing resources with Tessera's label. */
const found = (...resources: Found[]): Rule => ({
  call: 'get deployments,.* --selector app.kubernetes.io/part-of=tessera --output json',
  stdout: JSON.stringify({
    items: resources.map(({ apiVersion, kind, ...metadata }) => ({ apiVersion, kind, metadata })),
  }),
});

const deploy = (...resources: Found[]): Promise<Outcome> =>
  shell.run('deploy.sh', [], [applied, found(...resources), ...readyCluster]);

const removed = ({ calls }: Outcome): string[] =>
  calls.flatMap((call) => / delete (\S+\/\S+)/.exec(call)?.[1] ?? []);

describe('deploy.sh after another overlay', () => {
  it('removes its Deployment and ScaledObject, Broker, Trigger and Service, when everything is Ready', async () => {
    const outcome = await deploy(
      { apiVersion: 'apps/v1', kind: 'Deployment', name: 'blur-worker' },
      { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', name: 'blur-worker' },
      { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name: 'images' },
      { apiVersion: 'eventing.knative.dev/v1', kind: 'Trigger', name: 'blurred' },
      { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: 'dead-events' },
      { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', name: 'dead-events' },
    );
    expect(removed(outcome)).toEqual([
      'deployment.apps/blur-worker',
      'scaledobject.keda.sh/blur-worker',
      'broker.eventing.knative.dev/images',
      'trigger.eventing.knative.dev/blurred',
      'service.serving.knative.dev/dead-events',
      'networkpolicy.networking.k8s.io/dead-events',
    ]);
    const at = (part: string): number => outcome.calls.findIndex((call) => call.includes(part));
    expect(at('get services.serving.knative.dev split')).toBeLessThan(at('delete deployment.apps'));
    expect(outcome.code).toBe(0);
  });

  it('keeps what was applied, and what Knative and KEDA made for it', async () => {
    const outcome = await deploy(
      { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: 'blur' },
      { apiVersion: 'v1', kind: 'Service', name: 'redis' },
      { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', name: 'redis' },
      { apiVersion: 'apps/v1', kind: 'Deployment', name: 'blur-00002-deployment', ownerReferences: [{}] },
      { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', name: 'blur-00002', ownerReferences: [{}] },
    );
    expect(removed(outcome)).toEqual([]);
  });

  it('treats a resource as a leftover if only its kind differs', async () => {
    const outcome = await deploy({ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'redis' });
    expect(removed(outcome)).toEqual(['statefulset.apps/redis']);
  });

  it('keeps volume claims, and says so', async () => {
    const outcome = await deploy({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: 'tessera-data' });
    expect(removed(outcome)).toEqual([]);
    expect(outcome.stdout).toContain(
      'note: persistentvolumeclaim/tessera-data is not used any more and stays, with its data: kubectl -n tessera delete persistentvolumeclaim/tessera-data\n',
    );
  });

  it('queries only kinds that the cluster has', async () => {
    const ask = async (...rules: Rule[]): Promise<string> => {
      const { calls } = await shell.run('deploy.sh', [], [...rules, ...readyCluster]);
      return calls.find((call) => call.includes('get deployments,')) ?? '';
    };
    expect(await ask()).not.toContain('eventing');
    const types = resourceTypes(...neededTypes, 'brokers.eventing.knative.dev');
    expect(await ask(types)).toContain(',scaledobjects.keda.sh,brokers.eventing.knative.dev ');
  });

  it('leaves out what belongs to the component metrics if the account has no rights to it', async () => {
    const types = resourceTypes(...neededTypes, 'podmonitors.monitoring.coreos.com');
    const ask = async (...rules: Rule[]): Promise<string> => {
      const { calls } = await shell.run('deploy.sh', [], [...rules, types, ...readyCluster]);
      return calls.find((call) => call.includes('get deployments,')) ?? '';
    };
    expect(await ask()).toContain(',podmonitors.monitoring.coreos.com ');
    const forbidden = { call: 'auth can-i list podmonitors.monitoring.coreos.com', exit: 1 };
    expect(await ask(forbidden)).not.toContain('monitoring');
  });

  it('fails when something cannot be removed', async () => {
    const stuck = { call: 'delete deployment.apps/blur-worker', exit: 1 };
    const leftOver = found({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'blur-worker' });
    const { code, stderr } = await shell.run('deploy.sh', [], [stuck, leftOver, ...readyCluster]);
    expect(stderr).toContain('deployment.apps/blur-worker could not be removed');
    expect(code).toBe(2);
  });
});
