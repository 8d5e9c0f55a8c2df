// Converts keda/blur.scaledobject.yaml, the readable version, to JSON in the annotation that autoscaler-keda
// reads: on blur's Service, and in the patches of the two components that change how Redis is reached.
//
//   node scripts/generate-override.ts            writes the files
//   node scripts/generate-override.ts --check    writes nothing, exits 1 and names the files that would change
import { isScalar, parse, parseDocument, Scalar, stringify } from 'yaml';
import { formatted, generate, read } from './lib/generated-files.ts';

/** The annotation of a revision from which autoscaler-keda makes its ScaledObject. */
export const overrideAnnotation = 'autoscaling.knative.dev/scaled-object-override';

/** How Redis is reached: without a password, with one, or as the Secret `redis-auth` says. */
export type RedisAccess = 'open' | 'password' | 'external';

interface Trigger {
  type: string;
  name: string;
  metadata: Record<string, string>;
  [field: string]: unknown;
}

/** The part of a ScaledObject that is read here. All other fields are copied unchanged. */
export interface ScaledObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: { scaleTargetRef: unknown; maxReplicaCount: number; triggers: Trigger[]; [field: string]: unknown };
}

/**
 * Returns the ScaledObject for the annotation. autoscaler-keda sets the target, the name and the maximum
 * (from max-scale) itself, so those are left out.
 */
export function overrideOf({ apiVersion, kind, spec }: ScaledObject, access: RedisAccess): unknown {
  const { scaleTargetRef: _target, maxReplicaCount: _maximum, triggers, ...rest } = spec;
  return { apiVersion, kind, spec: { ...rest, triggers: triggers.map((each) => withAccess(each, access)) } };
}

function withAccess(trigger: Trigger, access: RedisAccess): Trigger {
  if (access === 'open') return trigger;
  const { address, ...metadata } = trigger.metadata;
  return {
    ...trigger,
    metadata: access === 'external' ? metadata : { address, ...metadata },
    authenticationRef: { name: 'redis' },
  };
}

/** Indented by two, so that a difference between two versions is readable. */
const toJson = (override: unknown): string => `${JSON.stringify(override, null, 2)}\n`;

function intoService(service: string, json: string): string {
  const document = parseDocument(service);
  const annotation = document.getIn(
    ['spec', 'template', 'metadata', 'annotations', overrideAnnotation],
    true,
  );
  if (!isScalar(annotation))
    throw new Error(`knative/blur.service.yaml has no annotation ${overrideAnnotation}`);
  annotation.value = json;
  annotation.type = Scalar.BLOCK_LITERAL;
  return document.toString({ lineWidth: 0 });
}

function asPatch(json: string): string {
  const value = new Scalar(json);
  value.type = Scalar.BLOCK_LITERAL;
  const path = `/spec/template/metadata/annotations/${overrideAnnotation.replace('/', '~1')}`;
  const header =
    '# Generated from keda/blur.scaledobject.yaml by scripts/generate-override.ts: edit that, run this.\n';
  return header + stringify([{ op: 'replace', path, value }], { lineWidth: 0 });
}

/** Returns every generated file and its content, by its path in the repository. */
export async function generateFiles(): Promise<Map<string, string>> {
  const scaledObject = parse(await read('keda/blur.scaledobject.yaml')) as ScaledObject;
  const json = (access: RedisAccess): string => toJson(overrideOf(scaledObject, access));
  const files = new Map([
    ['knative/blur.service.yaml', intoService(await read('knative/blur.service.yaml'), json('open'))],
    ['knative/components/redis-auth/override.patch.yaml', asPatch(json('password'))],
    ['knative/components/redis-external/override.patch.yaml', asPatch(json('external'))],
  ]);
  for (const [path, text] of files) files.set(path, await formatted(path, text));
  return files;
}

if (import.meta.main) await generate(await generateFiles(), process.argv.includes('--check'));
