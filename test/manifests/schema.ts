// Checks a resource against the published schema of its kind: values with the compiled schema, and unknown
// fields, which those schemas allow, with the types generated from them (TypeScript refuses an extra field in
// a literal).
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './overlays.ts';
import { type Manifest } from './shapes.ts';

/** Module and exported name of each kind that we deploy. Other kinds are refused. */
const models: Record<string, [module: string, name: string]> = {
  'v1 Namespace': ['kubernetes-models/v1/Namespace', 'Namespace'],
  'v1 ConfigMap': ['kubernetes-models/v1/ConfigMap', 'ConfigMap'],
  'v1 Pod': ['kubernetes-models/v1/Pod', 'Pod'],
  'v1 Service': ['kubernetes-models/v1/Service', 'Service'],
  'v1 ServiceAccount': ['kubernetes-models/v1/ServiceAccount', 'ServiceAccount'],
  'v1 PersistentVolumeClaim': ['kubernetes-models/v1/PersistentVolumeClaim', 'PersistentVolumeClaim'],
  'apps/v1 Deployment': ['kubernetes-models/apps/v1/Deployment', 'Deployment'],
  'apps/v1 StatefulSet': ['kubernetes-models/apps/v1/StatefulSet', 'StatefulSet'],
  'batch/v1 Job': ['kubernetes-models/batch/v1/Job', 'Job'],
  'networking.k8s.io/v1 NetworkPolicy': [
    'kubernetes-models/networking.k8s.io/v1/NetworkPolicy',
    'NetworkPolicy',
  ],
  'serving.knative.dev/v1 Service': ['@kubernetes-models/knative/serving.knative.dev/v1/Service', 'Service'],
  'eventing.knative.dev/v1 Broker': ['@kubernetes-models/knative/eventing.knative.dev/v1/Broker', 'Broker'],
  'eventing.knative.dev/v1 Trigger': [
    '@kubernetes-models/knative/eventing.knative.dev/v1/Trigger',
    'Trigger',
  ],
  'messaging.knative.dev/v1 Subscription': [
    '@kubernetes-models/knative/messaging.knative.dev/v1/Subscription',
    'Subscription',
  ],
  'keda.sh/v1alpha1 ScaledObject': ['@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject', 'ScaledObject'],
  'monitoring.coreos.com/v1 PodMonitor': [
    '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor',
    'PodMonitor',
  ],
  'monitoring.coreos.com/v1 PrometheusRule': [
    '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule',
    'PrometheusRule',
  ],
  'keda.sh/v1alpha1 TriggerAuthentication': [
    '@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication',
    'TriggerAuthentication',
  ],
};

function modelOf({ apiVersion, kind }: Manifest): [module: string, name: string] {
  const model = models[`${apiVersion} ${kind}`];
  if (model === undefined) throw new Error(`no schema for ${apiVersion} ${kind}`);
  return model;
}

/**
 * Throws an Error that lists every value of `manifest` that its schema forbids, and every required one that
 * is missing.
 */
export async function validateValues(manifest: Manifest): Promise<void> {
  const [module, name] = modelOf(manifest);
  const { [name]: Model } = (await import(module)) as Record<
    string,
    new (data: unknown) => { validate: () => void }
  >;
  try {
    new Model(manifest).validate();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${manifest.kind} ${manifest.metadata.name}: ${message}`, { cause });
  }
}

/**
 * Returns the compiler's errors about unknown fields and values of the wrong type; empty if there are none.
 * One run for all, because starting the compiler takes long.
 */
export async function findUnknownFields(manifests: Manifest[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-schema-'));
  try {
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await writeFile(join(folder, 'manifests.ts'), manifests.map(asTypedLiteral).join('\n'));
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'esnext'];
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    return await promisify(execFile)(
      process.execPath,
      [tsc, ...options, '--types', '', join(folder, 'manifests.ts')],
      { cwd: folder },
    ).then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

function asTypedLiteral(manifest: Manifest, index: number): string {
  const [module, name] = modelOf(manifest);
  const type = `import(${JSON.stringify(module)}).I${name}`;
  return `export const resource${index}: ${type} = ${JSON.stringify(manifest, null, 2)};`;
}
