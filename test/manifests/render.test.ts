import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { applyJsonPatch } from './json-patch.ts';
import { renderVariant, variants, withVariant } from './overlays.ts';
import { documentsIn, render } from './render.ts';
import { find, type Manifest } from './shapes.ts';

const hasKubectl = ((): boolean => {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

const sorted = (manifests: Manifest[]): Manifest[] =>
  manifests.toSorted((a, b) => identity(a).localeCompare(identity(b)));

const identity = ({ apiVersion, kind, metadata }: Manifest): string =>
  `${apiVersion} ${kind} ${metadata.name}`;

describe('the renderer of these tests', () => {
  // Only if kubectl is installed; the tests of the rendered manifests run everywhere.
  it.runIf(hasKubectl).each(variants)('renders $name as kubectl does', async (variant) => {
    const theirs = await withVariant(variant, async (folder) => {
      const { stdout } = await promisify(execFile)('kubectl', ['kustomize', folder]);
      return stdout.split('\n---\n').flatMap(documentsIn) as Manifest[];
    });
    expect(sorted(await renderVariant(variant))).toEqual(sorted(theirs));
  });

  it('refuses a feature of kustomize that it does not support', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tessera-kustomization-'));
    try {
      await writeFile(join(folder, 'kustomization.yaml'), 'namePrefix: x-\n');
      await expect(render(folder)).rejects.toThrow('unknown field namePrefix');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each([
    { op: 'replace', path: '/a/x', value: 1 },
    { op: 'remove', path: '/a/x' },
    { op: 'add', path: '/b/c', value: 1 },
    { op: 'test', path: '/a/l/0', value: 2 },
    { op: 'move', path: '/a/l' },
  ])('refuses a patch that does not fit: $op $path', (operation) => {
    expect(() => applyJsonPatch({ a: { l: [1] } }, [operation])).toThrow(operation.op);
  });
});

describe.each(variants)('$name', (variant) => {
  it('puts everything into its namespace, each resource once', async () => {
    const manifests = await renderVariant(variant);
    const namespaced = manifests.filter((each) => each.kind !== 'Namespace');
    expect(find(manifests, 'v1 Namespace', 'tessera')).toBeDefined();
    expect(new Set(namespaced.map((each) => each.metadata.namespace))).toEqual(new Set(['tessera']));
    expect(new Set(manifests.map(identity)).size).toBe(manifests.length);
    expect(manifests.every((each) => each.metadata.labels?.['app.kubernetes.io/part-of'] === 'tessera')).toBe(
      true,
    );
  });

  it('deploys the three functions', async () => {
    const manifests = await renderVariant(variant);
    for (const name of ['split', 'blur', 'assemble']) {
      expect(find(manifests, 'serving.knative.dev/v1 Service', name)).toBeDefined();
    }
  });
});
