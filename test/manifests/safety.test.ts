import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { readVersions } from './image-file.ts';
import { renderVariant, root, variants } from './overlays.ts';
import { find, workloadsOf, type Container, type Manifest } from './shapes.ts';

const containersOf = (manifests: Manifest[]): Container[] =>
  workloadsOf(manifests).flatMap(({ template }) => template.spec.containers);

/** Returns whether a NetworkPolicy's selector matches a pod with these labels. */
function selects(
  selector: {
    matchLabels?: Record<string, string>;
    matchExpressions?: { key: string; operator: string; values: string[] }[];
  },
  labels: Record<string, string>,
): boolean {
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (selector.matchExpressions ?? []).every(
      ({ key, operator, values }) => operator === 'In' && values.includes(labels[key]),
    )
  );
}

describe.each(variants)('$name', (variant) => {
  it('locks every container down', async () => {
    const containers = containersOf(await renderVariant(variant));
    expect(containers.length).toBeGreaterThanOrEqual(3);
    for (const { securityContext } of containers) {
      expect(securityContext).toMatchObject({
        runAsNonRoot: true,
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        seccompProfile: { type: 'RuntimeDefault' },
      });
    }
  });

  it('sets requests and limits for every container', async () => {
    for (const { resources } of containersOf(await renderVariant(variant))) {
      for (const amounts of [resources?.requests, resources?.limits]) {
        expect(Object.keys(amounts ?? {}).sort()).toEqual(['cpu', 'memory']);
      }
    }
  });

  it('probes the health routes of the functions', async () => {
    const serve = await readFile(join(root, 'functions/lib/service/serve.ts'), 'utf8');
    const serving = workloadsOf(await renderVariant(variant)).filter(({ template }) =>
      template.spec.containers.some((each) => each.image.includes('tessera-')),
    );
    expect(serving.length).toBeGreaterThanOrEqual(3);
    for (const { template } of serving) {
      const { readinessProbe, livenessProbe } = template.spec.containers[0];
      expect([readinessProbe?.httpGet?.path, livenessProbe?.httpGet?.path]).toEqual([
        '/health/ready',
        '/health/live',
      ]);
      expect(serve).toContain(`'${readinessProbe?.httpGet?.path}'`);
      expect(serve).toContain(`'${livenessProbe?.httpGet?.path}'`);
    }
  });

  it('runs only images whose version is pinned', async () => {
    const { REDIS_IMAGE, TESSERA_REGISTRY, TESSERA_TAG } = await readVersions();
    for (const { image } of containersOf(await renderVariant(variant))) {
      const ours = new RegExp(`^${TESSERA_REGISTRY}/tessera-(split|blur|assemble):${TESSERA_TAG}$`);
      expect(ours.test(image) || image === REDIS_IMAGE ? 'pinned' : image).toBe('pinned');
    }
  });

  it('gives no pod a token for the Kubernetes API', async () => {
    const manifests = await renderVariant(variant);
    for (const { template } of workloadsOf(manifests)) {
      const { serviceAccountName, automountServiceAccountToken } = template.spec;
      const account = find(manifests, 'v1 ServiceAccount', String(serviceAccountName));
      expect(account?.automountServiceAccountToken ?? automountServiceAccountToken).toBe(false);
    }
  });

  it('has no policy for a pod that does not exist, and at least one that admits callers to every pod', async () => {
    const manifests = await renderVariant(variant);
    const pods = workloadsOf(manifests).map(({ template }) => template.metadata.labels ?? {});
    const policies = manifests
      .filter((each) => each.kind === 'NetworkPolicy')
      .map((each) => each.spec as { podSelector: Parameters<typeof selects>[0]; ingress?: unknown[] });
    expect(policies.length).toBeGreaterThanOrEqual(4);
    for (const { podSelector } of policies) {
      expect(pods.some((labels) => selects(podSelector, labels))).toBe(true);
    }
    const reachable = policies.filter((each) => each.ingress !== undefined);
    for (const labels of pods) {
      if (labels['app.kubernetes.io/name'] === 'prepare-volume') continue;
      expect(reachable.some(({ podSelector }) => selects(podSelector, labels))).toBe(true);
    }
  });

  it('contains no secret in clear text', async () => {
    const manifests = await renderVariant(variant);
    expect(manifests.filter((each) => each.kind === 'Secret')).toEqual([]);
    // A URL with a password, or a literal value for a name that sounds secret.
    expect(JSON.stringify(manifests)).not.toMatch(/:\/\/[^"/\s]*:[^"/\s]*@/);
    const named = containersOf(manifests).flatMap((each) => each.env ?? []);
    const secretly = named.filter(({ name }) => /AUTH|PASS|SECRET|TOKEN/i.test(name));
    expect(secretly.every((each) => each.value === undefined && each.valueFrom !== undefined)).toBe(true);
  });
});

describe('the manifests', () => {
  it('have one resource per file', async () => {
    let files = 0;
    for (const folder of ['knative', 'keda']) {
      for (const name of await readdir(join(root, folder), { recursive: true })) {
        if (!name.endsWith('.yaml')) continue;
        files += 1;
        // `parse` throws for a second document.
        expect(parse(await readFile(join(root, folder, name), 'utf8'))).toBeDefined();
      }
    }
    expect(files).toBeGreaterThan(30);
  });
});
