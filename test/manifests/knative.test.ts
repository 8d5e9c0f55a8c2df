import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { describe, expect, it } from 'vitest';
import { environmentDefaults } from '../../functions/lib/config.ts';
import { knativeFaults } from './knative-rules.ts';
import { renderVariant, root, variants } from './overlays.ts';
import {
  functionTemplate,
  knativeServicesOf,
  workloadsOf,
  type Manifest,
  type PodTemplate,
} from './shapes.ts';

const volumeFlags = [
  'kubernetes.podspec-persistent-volume-claim',
  'kubernetes.podspec-persistent-volume-write',
] as const;

describe.each(variants)('$name', (variant) => {
  it('contains only Services that Knative accepts, the pvc overlay with its two flags', async () => {
    const services = knativeServicesOf(await renderVariant(variant));
    const flags = variant.overlay === 'pvc' ? [...volumeFlags] : [];
    expect(services.length).toBeGreaterThanOrEqual(3);
    for (const { manifest } of services) {
      expect({ [manifest.metadata.name]: knativeFaults(manifest, flags) }).toEqual({
        [manifest.metadata.name]: [],
      });
    }
  });

  it('limits how many pods each Service may have', async () => {
    for (const { template } of knativeServicesOf(await renderVariant(variant))) {
      expect(Number(template.metadata.annotations?.['autoscaling.knative.dev/max-scale'])).toBeGreaterThan(0);
    }
  });

  it('keeps everything but split inside the cluster', async () => {
    for (const { manifest } of knativeServicesOf(await renderVariant(variant))) {
      const visibility = manifest.metadata.labels?.['networking.knative.dev/visibility'];
      expect(visibility).toBe(manifest.metadata.name === 'split' ? undefined : 'cluster-local');
    }
  });

  it('gives a stopped pod the time to finish or release its tile', async () => {
    const manifests = await renderVariant(variant);
    const drainS = Number(environmentDefaults.DRAIN_MS) / 1000;
    // Knative's queue-proxy drains for up to 30 s before the function gets SIGTERM.
    expect(functionTemplate(manifests, 'blur').spec.timeoutSeconds).toBeGreaterThanOrEqual(30 + drainS + 10);
    for (const { manifest, template } of workloadsOf(manifests)) {
      if (manifest.kind !== 'Deployment') continue;
      expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(drainS + 10);
    }
  });
});

describe('a Service file by itself', () => {
  it.each(['split', 'blur', 'assemble'])('is one document that works alone: %s', async (name) => {
    const text = await readFile(join(root, `knative/${name}.service.yaml`), 'utf8');
    const documents = parseAllDocuments(text).map((document) => document.toJS() as Manifest);
    expect(documents).toHaveLength(1);
    expect(documents[0].metadata.name).toBe(name);
    expect(documents[0].metadata.namespace).toBeUndefined();
    expect(knativeFaults(documents[0])).toEqual([]);
    const { spec } = functionTemplate(documents, name);
    expect(spec.serviceAccountName).toBeUndefined();
    expect(
      spec.containers[0].envFrom?.map((each) => (each.configMapRef ?? each.secretRef)?.optional),
    ).toEqual([true, true]);
  });
});

/** A Service that Knative accepts, with its template, to be changed into one that it refuses. */
async function soundService(): Promise<{ manifest: Manifest; template: PodTemplate }> {
  return knativeServicesOf(await renderVariant(variants[0]))[0];
}

type Spoil = (template: PodTemplate, manifest: Manifest) => void;

const spoilt: [fault: string, spoil: Spoil][] = [
  [
    'autoscaling.knative.dev/max-scale belongs on the template',
    (_template, { metadata }) => (metadata.annotations = { 'autoscaling.knative.dev/max-scale': '4' }),
  ],
  [
    'target-utilization-percentage is not from 1 to 100',
    ({ metadata }) =>
      (metadata.annotations = { 'autoscaling.knative.dev/target-utilization-percentage': '0' }),
  ],
  ['spec.securityContext is not allowed', ({ spec }) => (spec.securityContext = { fsGroup: 1 })],
  ['container.lifecycle is not allowed', ({ spec }) => Object.assign(spec.containers[0], { lifecycle: {} })],
  ["PORT is Knative's to set", ({ spec }) => (spec.containers[0].env = [{ name: 'PORT', value: '80' }])],
  ['timeoutSeconds too long', ({ spec }) => (spec.timeoutSeconds = 601)],
  [
    'volume data needs kubernetes.podspec-persistent-volume-claim',
    ({ spec }) => (spec.volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'x' } }]),
  ],
  [
    'failureThreshold and timeoutSeconds need a periodSeconds',
    ({ spec }) => (spec.containers[0].readinessProbe = { httpGet: { path: '/' }, failureThreshold: 3 }),
  ],
  [
    'a probe of another port',
    ({ spec }) => (spec.containers[0].readinessProbe = { httpGet: { path: '/', port: 1 } }),
  ],
];

describe("Knative's rules as these tests know them", () => {
  it.each(spoilt)('find that %s', async (fault, spoil) => {
    const { manifest, template } = await soundService();
    expect(knativeFaults(manifest)).toEqual([]);
    spoil(template, manifest);
    expect(knativeFaults(manifest)).toContain(fault);
  });
});
