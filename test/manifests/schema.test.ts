import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { renderVariant, root, variants } from './overlays.ts';
import { find, functionTemplate, type Manifest } from './shapes.ts';
import { findUnknownFields, validateValues } from './schema.ts';

/** Resources that belong to no overlay: pods that are only used temporarily, and examples. */
const loose = [
  'knative/components/pvc/files.pod.yaml',
  'knative/redis-restore.pod.yaml',
  'knative/examples/written.trigger.yaml',
  'knative/examples/written.subscription.yaml',
  'knative/examples/ended.trigger.yaml',
];

async function allManifests(): Promise<Manifest[]> {
  const rendered = await Promise.all(variants.map(renderVariant));
  const texts = await Promise.all(loose.map((each) => readFile(join(root, each), 'utf8')));
  const others = texts.map((text) => parse(text) as Manifest);
  const seen = new Map([...rendered.flat(), ...others].map((each) => [JSON.stringify(each), each]));
  return [...seen.values()];
}

describe('every resource of every overlay', () => {
  it('has only values its schema allows', async () => {
    const manifests = await allManifests();
    expect(manifests.length).toBeGreaterThan(30);
    for (const manifest of manifests) {
      await validateValues(manifest);
    }
  });

  it('has no field its schema does not know', async () => {
    expect(await findUnknownFields(await allManifests())).toBe('');
  });
});

/** Returns split's Service, with one field of its pod's specification set. */
async function splitWith(field: string, value: unknown): Promise<Manifest> {
  const manifests = await renderVariant(variants[0]);
  functionTemplate(manifests, 'split').spec[field] = value;
  const service = find(manifests, 'serving.knative.dev/v1 Service', 'split');
  if (service === undefined) throw new Error('no Service split');
  return service;
}

describe('the schema check', () => {
  it('reports a misspelt field deep inside a resource', async () => {
    const manifest = await splitWith('containerConcurency', 1);
    expect(await findUnknownFields([manifest])).toContain('containerConcurency');
  });

  it('reports a value of the wrong type', async () => {
    const manifest = await splitWith('timeoutSeconds', '300');
    await expect(validateValues(manifest)).rejects.toThrow('timeoutSeconds');
  });

  it('refuses a kind it has no schema for', async () => {
    await expect(
      validateValues({ apiVersion: 'v2', kind: 'Thing', metadata: { name: 'x' } }),
    ).rejects.toThrow('v2 Thing');
  });
});
