import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { environmentDefaults, loadConfig } from '../../functions/lib/config.ts';
import { problems, type ProblemCode } from '../../functions/lib/errors.ts';
import { isTracingOn } from '../../functions/lib/tracing/settings.ts';
import { renderVariant, root, variants } from './overlays.ts';
import { configMapData, find, functionTemplate, templateOf, workloadsOf, type Manifest } from './shapes.ts';

const functions = ['split', 'blur', 'assemble'];
/** Set by Knative, or only by a Secret. */
const setElsewhere = new Set(['PORT', 'AUTH_TOKEN']);

/** Returns the environment that a function gets from the ConfigMap and its own settings, without Secrets. */
function environmentOf(manifests: Manifest[], name: string): Record<string, string> {
  const own = (functionTemplate(manifests, name).spec.containers[0].env ?? [])
    .filter((each) => each.valueFrom === undefined)
    .map((each) => [each.name, each.value ?? ''] as const);
  return { ...configMapData(manifests, 'tessera'), ...Object.fromEntries(own) };
}

describe.each(variants)('the settings of $name', (variant) => {
  it('are exactly those that the code reads', async () => {
    const manifests = await renderVariant(variant);
    const set = new Set(functions.flatMap((name) => Object.keys(environmentOf(manifests, name))));
    const read = Object.keys(environmentDefaults).filter((each) => !setElsewhere.has(each));
    expect([...set].sort()).toEqual(read.sort());
  });

  it.each(functions)('are valid for %s', async (name) => {
    const config = loadConfig({ ...environmentOf(await renderVariant(variant), name), PORT: '8080' });
    const isInBuckets = variant.components.includes('knative/components/s3');
    expect(config.store).toBe(isInBuckets ? 's3' : variant.overlay === 'pvc' ? 'file' : 'redis');
    expect(config.redisUrl).toBe('redis://redis.tessera.svc.cluster.local:6379');
    expect(config.host).toBe('0.0.0.0');
  });

  it('reach every function in the same way, a Secret overrides the ConfigMap', async () => {
    const manifests = await renderVariant(variant);
    const workers = manifests.filter((each) => each.kind === 'Deployment');
    const templates = [
      ...functions.map((name) => [name, functionTemplate(manifests, name)] as const),
      ...workers.map((each) => ['blur', templateOf(each)] as const),
    ];
    // A separate user requires a Redis with users.
    const isElsewhere = variant.components.includes('knative/components/redis-external');
    const isTraced = variant.components.includes('knative/components/tracing');
    const isInBuckets = variant.components.includes('knative/components/s3');
    for (const [name, template] of templates) {
      const sources = template?.spec.containers[0].envFrom ?? [];
      expect(sources.map((each) => each.configMapRef?.name ?? each.secretRef?.name)).toEqual([
        'tessera',
        'tessera-redis',
        ...(isElsewhere ? [`tessera-redis-${name}`] : []),
        // blur never uses a bucket.
        ...(isInBuckets && name !== 'blur' ? ['tessera-s3'] : []),
        ...(isTraced ? ['tessera-tracing', 'tessera-tracing'] : []),
      ]);
      const secrets = sources.flatMap(({ secretRef }) => secretRef ?? []);
      expect(secrets.length).toBeGreaterThan(0);
      expect(secrets.every(({ optional }) => optional)).toBe(true);
    }
  });

  it('give the tokens only to split, and only if split requires one', async () => {
    const manifests = await renderVariant(variant);
    const withToken = workloadsOf(manifests).filter(({ template }) =>
      JSON.stringify(template).includes('tessera-auth'),
    );
    const isAsked = variant.components.includes('knative/components/auth');
    expect(loadConfig(environmentOf(manifests, 'split')).clientShare).toBe(isAsked ? 0.75 : 1);
    expect(withToken.map(({ manifest }) => manifest.metadata.name)).toEqual(isAsked ? ['split'] : []);
    // Not `optional`: without the Secret split must not start.
    const { env = [] } = functionTemplate(manifests, 'split').spec.containers[0];
    expect(env.find(({ name }) => name === 'AUTH_TOKEN')?.valueFrom).toEqual(
      isAsked ? { secretKeyRef: { name: 'tessera-auth', key: 'AUTH_TOKEN' } } : undefined,
    );
  });

  it('switch tracing on only if that is wanted, and let the spans out', async () => {
    const manifests = await renderVariant(variant);
    const isWanted = variant.components.includes('knative/components/tracing');
    const map = find(manifests, 'v1 ConfigMap', 'tessera-tracing');
    const env = (map?.data ?? {}) as Record<string, string>;
    const warnings: string[] = [];
    expect(isTracingOn(env, (reason) => warnings.push(reason))).toBe(isWanted);
    expect(warnings).toEqual([]);
    const policy = find(manifests, 'networking.k8s.io/v1 NetworkPolicy', 'tracing')?.spec as
      { egress: { ports: { port: number }[] }[] } | undefined;
    const ports = policy?.egress.flatMap((rule) => rule.ports.map(({ port }) => String(port)));
    expect(ports).toEqual(isWanted ? [new URL(env.OTEL_EXPORTER_OTLP_ENDPOINT).port] : undefined);
  });

  it("send blur's events to assemble, or all events to the Broker", async () => {
    const manifests = await renderVariant(variant);
    const { K_SINK, DONE_SINK } = environmentOf(manifests, 'blur');
    const broker = 'http://broker-ingress.knative-eventing.svc.cluster.local/tessera/images';
    expect([K_SINK, DONE_SINK]).toEqual(
      variant.overlay === 'broker' ? [broker, broker] : ['http://assemble.tessera.svc.cluster.local', 'none'],
    );
    // assemble writes the notices, and blur sends them.
    expect(environmentOf(manifests, 'assemble').DONE_SINK).toBe(DONE_SINK);
    const secret = { secretKeyRef: { name: 'tessera-done-sink', key: 'DONE_SINK' } };
    const isElsewhere = variant.components.includes('knative/components/done-sink');
    const told = ['assemble', 'blur'].map((name) => functionTemplate(manifests, name));
    const workers = manifests.filter((each) => each.kind === 'Deployment').map(templateOf);
    for (const template of [...told, ...workers]) {
      const given = template?.spec.containers[0].env?.find(({ name }) => name === 'DONE_SINK');
      expect(given?.valueFrom).toEqual(isElsewhere ? secret : undefined);
    }
    const policy = find(manifests, 'networking.k8s.io/v1 NetworkPolicy', 'done-sink');
    expect(policy !== undefined).toBe(isElsewhere);
  });
});

describe.each(variants.filter((each) => !each.name.endsWith('redis-external')))(
  'Redis in $name',
  (variant) => {
    it('keeps acknowledged writes, and has room for more than split may admit', async () => {
      const manifests = await renderVariant(variant);
      const lines = configMapData(manifests, 'redis')['redis.conf'].split('\n');
      expect(lines).toEqual(
        expect.arrayContaining(['appendonly yes', 'appendfsync everysec', 'maxmemory-policy noeviction']),
      );
      const limit = lines.find((each) => each.startsWith('maxmemory ')) ?? '';
      const maxGibibytes = Number(/^maxmemory (\d+)gb$/.exec(limit)?.[1]);
      const budget = Number(configMapData(manifests, 'tessera').REDIS_BUDGET_BYTES);
      expect(maxGibibytes * 1024 ** 3).toBeGreaterThan(budget);
      const redis = manifests.find((each) => each.kind === 'StatefulSet');
      expect(redis?.spec).toHaveProperty(
        'template.spec.containers.0.resources.limits.memory',
        `${maxGibibytes + 1}Gi`,
      );
    });

    it('keeps its data on a volume, unless it is told not to', async () => {
      const manifests = await renderVariant(variant);
      const redis = find(manifests, 'apps/v1 StatefulSet', 'redis');
      const data = redis && templateOf(redis)?.spec.volumes?.find(({ name }) => name === 'data');
      const claim = find(manifests, 'v1 PersistentVolumeClaim', 'redis-data');
      const isInPod = variant.name.endsWith('redis-ephemeral');
      expect(data?.persistentVolumeClaim).toEqual(isInPod ? undefined : { claimName: 'redis-data' });
      expect(data?.emptyDir).toEqual(isInPod ? { sizeLimit: '10Gi' } : undefined);
      expect(claim === undefined).toBe(isInPod);
      // No class is named, so the cluster's default class provides the volume.
      expect(claim?.spec ?? {}).not.toHaveProperty('storageClassName');
    });

    it('is among the last to be killed when its node runs out of memory', async () => {
      const redis = find(await renderVariant(variant), 'apps/v1 StatefulSet', 'redis');
      for (const { resources } of (redis && templateOf(redis)?.spec.containers) ?? []) {
        expect(resources?.requests).toEqual(resources?.limits);
      }
    });

    it('gets its name from a headless Service, and is reached at an address that stays', async () => {
      const manifests = await renderVariant(variant);
      const redis = find(manifests, 'apps/v1 StatefulSet', 'redis')?.spec as { serviceName: string };
      const labels = { 'app.kubernetes.io/name': 'redis', 'app.kubernetes.io/part-of': 'tessera' };
      const governing = find(manifests, 'v1 Service', redis.serviceName);
      expect(governing?.spec).toMatchObject({ clusterIP: 'None', selector: labels });
      const called = find(manifests, 'v1 Service', 'redis');
      expect(called?.spec).toMatchObject({ selector: labels });
      expect(called?.spec).not.toHaveProperty('clusterIP');
    });
  },
);

describe('a Redis elsewhere', () => {
  it('leaves no Redis in the cluster', async () => {
    const variant = variants.find((each) => each.name === 'default with redis-external');
    const manifests = variant ? await renderVariant(variant) : [];
    expect(manifests.length).toBeGreaterThan(10);
    const named = manifests.filter((each) => /^redis(?!-external)/.test(each.metadata.name));
    expect(named.map((each) => each.kind)).toEqual(['TriggerAuthentication']);
  });
});

/** Returns the name of a heading in GitHub's links. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} -]/gu, '')
    .replaceAll(' ', '-');

describe('docs/SECURITY.md', () => {
  it('lists the limits with their defaults', async () => {
    const text = await readFile(join(root, 'docs/SECURITY.md'), 'utf8');
    const table = text.slice(text.indexOf('\n## The limits'), text.indexOf('\n## Secrets'));
    const rows = [...table.matchAll(/^\| `([A-Z0-9_]+)` +\| `([^`]+)` +\| \S/gm)];
    expect(rows.length).toBeGreaterThan(5);
    expect(environmentDefaults).toMatchObject(
      Object.fromEntries(rows.map(([, name, value]) => [name, value])),
    );
  });
});

describe('docs/DEPLOY.md', () => {
  it('lists every setting that the code reads, with its default, and no other', async () => {
    const text = await readFile(join(root, 'docs/DEPLOY.md'), 'utf8');
    const table = text.slice(text.indexOf('\n## Settings'), text.indexOf('\n## Cleaning up'));
    const rows = [...table.matchAll(/^\| `([A-Z0-9_]+)` +\| `([^`]+)` +\| \S/gm)];
    expect(Object.fromEntries(rows.map(([, name, value]) => [name, value]))).toEqual(environmentDefaults);
  });
});

describe('docs/OPERATING.md', () => {
  it('lists every error code, with its status', async () => {
    const text = await readFile(join(root, 'docs/OPERATING.md'), 'utf8');
    const table = text.slice(text.indexOf('\n## Error codes'), text.indexOf('\n## Alerts'));
    const rows = [...table.matchAll(/^\| (`.+`) +\| +([\d, ]+?) +\|/gm)];
    const told = rows.flatMap(([, codes, statuses]) =>
      [...codes.matchAll(/`([a-z-]+)`/g)].map(
        ([, code]) => [code, statuses.split(', ').map(Number)] as const,
      ),
    );
    expect(told.map(([code]) => code).sort()).toEqual(Object.keys(problems).sort());
    for (const [code, statuses] of told) expect(statuses).toContain(problems[code as ProblemCode].status);
  });
});

describe.each(['DEPLOY.md', 'OPERATING.md', 'BUCKETS.md'])('docs/%s', (name) => {
  const read = (file: string) => readFile(join(root, 'docs', file), 'utf8');

  it('links only to headings that there are', async () => {
    const links = [...(await read(name)).matchAll(/\]\((\w+\.md)?#([^)]+)\)/g)];
    expect(links.length).toBeGreaterThan(1);
    for (const [, file = name, anchor] of links) {
      const headings = [...(await read(file)).matchAll(/^#+ (.+)$/gm)].map(([, words]) => anchorOf(words));
      expect(headings).toContain(anchor);
    }
  });

  it('names only files that exist', async () => {
    const text = await read(name);
    const links = [...text.matchAll(/\]\(\.\.\/([^)]+)\)/g)].map(([, path]) => path);
    const commands = [...text.matchAll(/(?:knative|keda|overlays|scripts)\/[\w./-]*\w/g)].map(
      ([path]) => path,
    );
    const files = new Set([...links, ...commands]);
    expect(files.size).toBeGreaterThan(0);
    for (const path of files) await expect(access(join(root, path))).resolves.toBeUndefined();
  });
});
