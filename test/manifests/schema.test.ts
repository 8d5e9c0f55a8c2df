import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { find, renderVariant, root, variants } from './overlays.ts';
import type { Manifest } from './render.ts';
import { findUnknownFields, validateValues } from './schema.ts';

const filesPod = join(root, 'knative/components/pvc/files.pod.yaml');

async function allManifests(): Promise<Manifest[]> {
  const rendered = await Promise.all(variants.map(renderVariant));
  const pod = parse(await readFile(filesPod, 'utf8')) as Manifest;
  const seen = new Map([...rendered.flat(), pod].map((each) => [JSON.stringify(each), each]));
  return [...seen.values()];
}

describe('every resource of every overlay', () => {
  it('has only values its schema allows', async () => {
    const manifests = await allManifests();
    expect(manifests.length).toBeGreaterThan(30);
    for (const manifest of manifests) {
      await expect(validateValues(manifest), JSON.stringify(manifest.metadata)).resolves.toBeUndefined();
    }
  });

  it('has no field its schema does not know', async () => {
    expect(await findUnknownFields(await allManifests())).toBe('');
  });
});

describe('the schema check', () => {
  const broken = async (change: (service: Manifest) => void): Promise<Manifest> => {
    const manifests = await renderVariant(variants[0]);
    const service = find(manifests, 'serving.knative.dev/v1 Service', 'split');
    if (service === undefined) throw new Error('no service to break');
    const copy = structuredClone(service);
    change(copy);
    return copy;
  };

  it('reports a misspelt field deep inside a resource', async () => {
    const manifest = await broken((service) => {
      const { spec } = (service.spec as { template: { spec: Record<string, unknown> } }).template;
      spec.containerConcurency = 1;
    });
    expect(await findUnknownFields([manifest])).toContain('containerConcurency');
  });

  it('reports a value of the wrong type', async () => {
    const manifest = await broken((service) => {
      const { spec } = (service.spec as { template: { spec: Record<string, unknown> } }).template;
      spec.timeoutSeconds = '300';
    });
    await expect(validateValues(manifest)).rejects.toThrow('timeoutSeconds');
  });

  it('refuses a kind it has no schema for', async () => {
    await expect(
      validateValues({ apiVersion: 'v2', kind: 'Thing', metadata: { name: 'x' } }),
    ).rejects.toThrow('v2 Thing');
  });
});
