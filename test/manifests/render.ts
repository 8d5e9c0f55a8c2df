// Renders a kustomization without kubectl, so that these tests only need Node. It supports the few features
// that our manifests use, and throws for any other. If kubectl is installed, a test compares the two
// renderings.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { applyJsonPatch, type Operation } from './json-patch.ts';
import { workloadsOf, type Manifest } from './shapes.ts';

interface Target {
  group?: string;
  version?: string;
  kind?: string;
  name?: string;
  labelSelector?: string;
}

interface Kustomization {
  apiVersion?: string;
  kind?: string;
  namespace?: string;
  resources?: string[];
  components?: string[];
  patches?: { target: Target; path?: string; patch?: string }[];
  configMapGenerator?: {
    name: string;
    files: string[];
    options: { disableNameSuffixHash: true; labels: Record<string, string> };
  }[];
  images?: { name: string; newName: string; newTag?: string; digest?: string }[];
}

const knownFields = new Set([
  'apiVersion',
  'kind',
  'namespace',
  'resources',
  'components',
  'configMapGenerator',
  'patches',
  'images',
] satisfies (keyof Kustomization)[]);

const parsedTexts = new Map<string, unknown[]>();

/** Returns the documents of a YAML text. Most files belong to many variants, so each text is parsed only once. */
export function documentsIn(text: string): unknown[] {
  const parsed =
    parsedTexts.get(text) ??
    parseAllDocuments(text).map((document): unknown => {
      if (document.errors.length > 0) throw document.errors[0];
      return document.toJS();
    });
  parsedTexts.set(text, parsed);
  return structuredClone(parsed);
}

/**
 * Returns the resources of the kustomization in `folder`. Throws for unknown features, and for a patch that
 * does not fit.
 */
export async function render(folder: string): Promise<Manifest[]> {
  return build(folder, []);
}

async function build(folder: string, inherited: Manifest[]): Promise<Manifest[]> {
  const [kustomization] = documentsIn(
    await readFile(join(folder, 'kustomization.yaml'), 'utf8'),
  ) as Kustomization[];
  for (const field of Object.keys(kustomization)) {
    if (!knownFields.has(field as keyof Kustomization)) throw new Error(`${folder}: unknown field ${field}`);
  }
  let manifests = [...inherited];
  for (const resource of kustomization.resources ?? []) {
    manifests.push(...(await readResource(join(folder, resource))));
  }
  for (const { name, files, options } of kustomization.configMapGenerator ?? []) {
    const texts = files.map(async (file) => [file, await readFile(join(folder, file), 'utf8')] as const);
    const data = Object.fromEntries(await Promise.all(texts));
    manifests.push({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: options.labels }, data });
  }
  for (const component of kustomization.components ?? []) {
    manifests = await build(join(folder, component), manifests);
  }
  for (const { target, path, patch: inline, ...rest } of kustomization.patches ?? []) {
    const unknown = Object.keys(rest).join(', ');
    if (unknown !== '') throw new Error(`${folder}: unknown patch field ${unknown}`);
    const [patch] = documentsIn(inline ?? (await readFile(join(folder, path ?? ''), 'utf8')));
    manifests = manifests.flatMap((each) => (matches(target, each) ? patched(each, patch) : [each]));
  }
  if (kustomization.namespace !== undefined) setNamespace(manifests, kustomization.namespace);
  for (const image of kustomization.images ?? []) setImage(manifests, image);
  return manifests;
}

async function readResource(path: string): Promise<Manifest[]> {
  if ((await stat(path)).isDirectory()) return build(path, []);
  return documentsIn(await readFile(path, 'utf8')) as Manifest[];
}

function matches(target: Target, { apiVersion, kind, metadata }: Manifest): boolean {
  const [version, group = ''] = apiVersion.split('/').reverse();
  const labels = (target.labelSelector ?? '').split(',').filter((each) => each !== '');
  return (
    (target.group === undefined || target.group === group) &&
    (target.version === undefined || target.version === version) &&
    (target.kind === undefined || target.kind === kind) &&
    (target.name === undefined || new RegExp(`^(?:${target.name})$`).test(metadata.name)) &&
    labels.every((each) => metadata.labels?.[each.split('=')[0]] === each.split('=')[1])
  );
}

function patched(manifest: Manifest, patch: unknown): Manifest[] {
  if (Array.isArray(patch)) return [applyJsonPatch(manifest, patch as Operation[]) as Manifest];
  if ((patch as { $patch?: string }).$patch === 'delete') return [];
  throw new Error('only JSON patches and $patch: delete are known');
}

function setNamespace(manifests: Manifest[], namespace: string): void {
  for (const { kind, metadata } of manifests) {
    if (kind === 'Namespace') metadata.name = namespace;
    else metadata.namespace = namespace;
  }
}

type Image = NonNullable<Kustomization['images']>[number];

function setImage(manifests: Manifest[], { name, newName, newTag, digest }: Image): void {
  for (const { template } of workloadsOf(manifests)) {
    for (const container of template.spec.containers) {
      if (container.image.replace(/:[^:/]*$/, '') !== name) continue;
      container.image = digest === undefined ? `${newName}:${newTag}` : `${newName}@${digest}`;
    }
  }
}
