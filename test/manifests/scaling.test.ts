import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { MOST_AT_ONCE } from '../../functions/blur/outbox-sender.ts';
import { environmentDefaults } from '../../functions/lib/config.ts';
import { queueKeys } from '../../functions/lib/queue/keys.ts';
import {
  generateFiles,
  overrideAnnotation,
  overrideOf,
  type RedisAccess,
  type ScaledObject,
} from '../../scripts/generate-override.ts';
import { renderVariant, root, variants, type Variant } from './overlays.ts';
import { configMapData, find, functionTemplate, templateOf } from './shapes.ts';

interface Spec {
  minReplicaCount: number;
  maxReplicaCount?: number;
  pollingInterval: number;
  cooldownPeriod: number;
  initialCooldownPeriod: number;
  advanced: {
    horizontalPodAutoscalerConfig?: { behavior?: unknown };
    scalingModifiers: Record<string, string>;
  };
  triggers: Trigger[];
}

interface Trigger {
  type: string;
  name: string;
  metadata: Record<string, unknown>;
  authenticationRef?: { name: string };
}

/** The fields of KEDA 2.16, whose types are compiled into the extension: any other would be dropped silently. */
const knownFields = {
  spec: [
    'idleReplicaCount',
    'minReplicaCount',
    'pollingInterval',
    'initialCooldownPeriod',
    'cooldownPeriod',
    'advanced',
    'triggers',
  ],
  advanced: ['horizontalPodAutoscalerConfig', 'scalingModifiers', 'restoreToOriginalReplicaCount'],
  scalingModifiers: ['formula', 'target', 'activationTarget', 'metricType'],
  trigger: ['type', 'name', 'metadata', 'authenticationRef', 'metricType', 'useCachedMetrics'],
  metadata: [
    'address',
    'listName',
    'listLength',
    'activationListLength',
    'databaseIndex',
    'enableTLS',
    'unsafeSsl',
  ],
};

const readable = async (): Promise<ScaledObject> =>
  parse(await readFile(join(root, 'keda/blur.scaledobject.yaml'), 'utf8')) as ScaledObject;

const accessOf = ({ components }: Variant): RedisAccess => {
  if (components.includes('knative/components/redis-auth')) return 'password';
  return components.includes('knative/components/redis-external') ? 'external' : 'open';
};

const scaled = variants.filter((each) => each.overlay !== 'fallback');
const fallbacks = variants.filter((each) => each.overlay === 'fallback');

/** Returns the scaling that KEDA sees: the annotation's spec, or the ScaledObject's own. */
async function specOf(variant: Variant): Promise<Spec> {
  const manifests = await renderVariant(variant);
  if (variant.overlay === 'fallback') {
    return find(manifests, 'keda.sh/v1alpha1 ScaledObject', 'blur-worker')?.spec as Spec;
  }
  const annotations = functionTemplate(manifests, 'blur').metadata.annotations ?? {};
  return (JSON.parse(annotations[overrideAnnotation]) as { spec: Spec }).spec;
}

describe('the generated annotation', () => {
  it('is what the generator writes', async () => {
    for (const [path, text] of await generateFiles()) {
      expect(await readFile(join(root, path), 'utf8')).toBe(text);
    }
  });

  it.each(scaled)('is the same in $name as the readable ScaledObject', async (variant) => {
    const annotations = functionTemplate(await renderVariant(variant), 'blur').metadata.annotations ?? {};
    expect(JSON.parse(annotations[overrideAnnotation])).toEqual(
      overrideOf(await readable(), accessOf(variant)),
    );
    expect(annotations['autoscaling.knative.dev/class']).toBe('hpa.autoscaling.knative.dev');
    const { maxReplicaCount } = (await readable()).spec;
    expect(annotations['autoscaling.knative.dev/max-scale']).toBe(String(maxReplicaCount));
    expect(Number(annotations['autoscaling.knative.dev/initial-scale'])).toBeGreaterThanOrEqual(1);
  });

  it.each(scaled)('has only fields in $name that the extension knows', async (variant) => {
    const spec = await specOf(variant);
    const { scalingModifiers } = spec.advanced;
    expect(knownFields.spec).toEqual(expect.arrayContaining(Object.keys(spec)));
    expect(knownFields.advanced).toEqual(expect.arrayContaining(Object.keys(spec.advanced)));
    expect(knownFields.scalingModifiers).toEqual(expect.arrayContaining(Object.keys(scalingModifiers)));
    for (const trigger of spec.triggers) {
      expect(knownFields.trigger).toEqual(expect.arrayContaining(Object.keys(trigger)));
      expect(knownFields.metadata).toEqual(expect.arrayContaining(Object.keys(trigger.metadata)));
    }
  });
});

it.each(fallbacks)('replaces a worker in $name without room for two', async (variant) => {
  const worker = find(await renderVariant(variant), 'apps/v1 Deployment', 'blur-worker');
  expect(worker?.spec).toHaveProperty('strategy.rollingUpdate', { maxSurge: 0, maxUnavailable: 1 });
});

describe.each(variants)('the scaling of $name', (variant) => {
  it('counts ready, leased and delayed tiles and unsent events, and adds them up', async () => {
    const { triggers, advanced } = await specOf(variant);
    const { queue, leases, delayed, outbox, notices } = queueKeys(environmentDefaults.KEY_PREFIX);
    expect(Object.fromEntries(triggers.map((each) => [each.name, each.metadata.listName]))).toEqual({
      queue,
      leases,
      delayed,
      outbox,
      notices,
    });
    expect(advanced.scalingModifiers.formula.split(' + ').sort()).toEqual(
      triggers.map((each) => each.name).sort(),
    );
    expect(triggers.every((each) => each.type === 'redis')).toBe(true);
    expect(Number(advanced.scalingModifiers.target)).toBeGreaterThan(0);
    expect(advanced.scalingModifiers.metricType).toBe('AverageValue');
    // The extension dereferences it. Without `behavior` the HPA adds pods for work of the last five minutes.
    expect(advanced.horizontalPodAutoscalerConfig).toEqual({
      behavior: { scaleDown: { stabilizationWindowSeconds: 60 } },
    });
  });

  it('starts one assemble for as many events as a worker sends at once', async () => {
    const { metadata, spec } = functionTemplate(await renderVariant(variant), 'assemble');
    const aimedAt = metadata.annotations?.['autoscaling.knative.dev/target-utilization-percentage'];
    expect([spec.containerConcurrency, aimedAt]).toEqual([MOST_AT_ONCE, '100']);
  });

  it('reads the keys that the settings name', async () => {
    const { triggers } = await specOf(variant);
    const { KEY_PREFIX } = configMapData(await renderVariant(variant), 'tessera');
    expect(triggers.map((each) => each.metadata.listName)).toContain(queueKeys(KEY_PREFIX).queue);
  });

  it('scales to zero, but not before a lease has expired, or before a revision was ready', async () => {
    const spec = await specOf(variant);
    const { LEASE_MS } = configMapData(await renderVariant(variant), 'tessera');
    expect(spec.minReplicaCount).toBe(0);
    expect(spec.cooldownPeriod).toBeGreaterThan(Number(LEASE_MS) / 1000);
    expect(spec.initialCooldownPeriod).toBeGreaterThanOrEqual(120);
    expect(spec.pollingInterval).toBe(1);
  });

  it('finds Redis from another namespace, or through the Secret', async () => {
    const access = accessOf(variant);
    const manifests = await renderVariant(variant);
    for (const { metadata, authenticationRef } of (await specOf(variant)).triggers) {
      expect(Object.values(metadata).every((value) => typeof value === 'string')).toBe(true);
      expect(metadata.address).toBe(
        access === 'external' ? undefined : 'redis.tessera.svc.cluster.local:6379',
      );
      expect(authenticationRef).toEqual(access === 'open' ? undefined : { name: 'redis' });
    }
    const authentication = find(manifests, 'keda.sh/v1alpha1 TriggerAuthentication', 'redis');
    expect(authentication === undefined).toBe(access === 'open');
  });
});

describe.each(fallbacks)('$name', (variant) => {
  it('scales a Deployment that consumes, beside a Service that does not', async () => {
    const manifests = await renderVariant(variant);
    const service = functionTemplate(manifests, 'blur');
    expect(service.spec.containers[0].env).toContainEqual({ name: 'CONSUMER', value: 'off' });
    expect(Object.keys(service.metadata.annotations ?? {})).not.toContain(overrideAnnotation);
    expect(Object.keys(service.metadata.annotations ?? {})).not.toContain('autoscaling.knative.dev/class');
    const deployment = find(manifests, 'apps/v1 Deployment', 'blur-worker');
    expect(deployment?.spec).not.toHaveProperty('replicas');
    expect(deployment?.spec).toHaveProperty(
      'template.spec.containers.0.image',
      service.spec.containers[0].image,
    );
    const { env } = (deployment && templateOf(deployment)?.spec.containers[0]) ?? {};
    expect(env?.slice(0, 2)).toEqual([
      { name: 'K_SINK', value: 'http://assemble.tessera.svc.cluster.local' },
      { name: 'CONSUMER', value: 'on' },
    ]);
    const scaledObject = find(manifests, 'keda.sh/v1alpha1 ScaledObject', 'blur-worker');
    expect(scaledObject?.spec).toHaveProperty('scaleTargetRef.name', 'blur-worker');
  });
});
