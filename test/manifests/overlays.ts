// What can be deployed: every overlay, and the components that deploy.sh --with adds to it. The tests check
// all of them.
import { mkdtemp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { render } from './render.ts';
import type { Manifest } from './shapes.ts';

/** The repository's root, without a trailing slash. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** A name, its overlay, and the components added. */
export interface Variant {
  name: string;
  overlay: 'default' | 'pvc' | 'broker' | 'fallback';
  components: string[];
}

const overlays = ['default', 'pvc', 'broker', 'fallback'] as const;
const additions = [
  'auth',
  'redis-ephemeral',
  'redis-auth',
  'redis-external',
  's3',
  'done-sink',
  'tracing',
  'metrics',
] as const;

/** Every overlay alone, and every one with each component. */
export const variants: Variant[] = overlays.flatMap((overlay) =>
  additions
    .map((name): Variant => ({
      name: `${overlay} with ${name}`,
      overlay,
      components: [`knative/components/${name}`],
    }))
    .concat({ name: overlay, overlay, components: [] }),
);

/**
 * Calls `use` with a folder whose kustomization is `variant`'s. The folder is outside the repository, which
 * is linked into it; deploy.sh does the same with copies.
 */
export async function withVariant<T>(variant: Variant, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-render-'));
  try {
    await Promise.all(
      ['knative', 'keda', 'overlays'].map((each) => symlink(join(root, each), join(folder, each))),
    );
    const composed = join(folder, 'composed');
    await mkdir(composed);
    const kustomization = {
      namespace: 'tessera',
      resources: [`../overlays/${variant.overlay}`],
      components: variant.components.map((each) => `../${each}`),
    };
    await writeFile(join(composed, 'kustomization.yaml'), stringify(kustomization));
    return await use(composed);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const rendered = new Map<Variant, Promise<Manifest[]>>();

/** Returns the resources of `variant`. It is rendered once, and each caller gets a copy that it may change. */
export async function renderVariant(variant: Variant): Promise<Manifest[]> {
  const manifests = rendered.get(variant) ?? withVariant(variant, render);
  rendered.set(variant, manifests);
  return structuredClone(await manifests);
}
