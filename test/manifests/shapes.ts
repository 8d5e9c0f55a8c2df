// Types for the parts of the manifests that the tests read, and functions to get them.

/** A Kubernetes resource as it is written. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  [field: string]: unknown;
}

/** The parts of a container that the tests read. */
export interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: { name: string; value?: string; valueFrom?: unknown }[];
  envFrom?: {
    configMapRef?: { name: string; optional?: boolean };
    secretRef?: { name: string; optional?: boolean };
  }[];
  ports?: { containerPort: number; name?: string }[];
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  startupProbe?: Probe;
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  securityContext?: Record<string, unknown>;
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
}

export interface Probe {
  httpGet?: { path: string; port?: number | string };
  [field: string]: unknown;
}

/** A pod's specification, or a revision's. */
export interface PodSpec {
  containers: Container[];
  volumes?: { name: string; persistentVolumeClaim?: unknown; [source: string]: unknown }[];
  containerConcurrency?: number;
  timeoutSeconds?: number;
  terminationGracePeriodSeconds?: number;
  [field: string]: unknown;
}

export interface PodTemplate {
  metadata: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: PodSpec;
}

/** Returns the one resource of that API version, kind and name, or undefined if there is none. */
export function find(manifests: Manifest[], type: string, name: string): Manifest | undefined {
  return manifests.find((each) => `${each.apiVersion} ${each.kind}` === type && each.metadata.name === name);
}

const knativeService = 'serving.knative.dev/v1 Service';

/** Returns the pod template of a resource, or undefined if it has none. */
export function templateOf(manifest: Manifest): PodTemplate | undefined {
  if (manifest.kind === 'Pod') return manifest as unknown as PodTemplate;
  return (manifest.spec as { template?: PodTemplate } | undefined)?.template;
}

/** Returns every resource that runs pods, with its template. */
export function workloadsOf(manifests: Manifest[]): { manifest: Manifest; template: PodTemplate }[] {
  return manifests.flatMap((manifest) => {
    const template = templateOf(manifest);
    return template === undefined ? [] : [{ manifest, template }];
  });
}

/** Returns the Knative Services among `manifests`, with their templates. */
export function knativeServicesOf(manifests: Manifest[]): { manifest: Manifest; template: PodTemplate }[] {
  return workloadsOf(manifests).filter(
    ({ manifest }) => `${manifest.apiVersion} ${manifest.kind}` === knativeService,
  );
}

/** Returns the template of the Knative Service `name`. Throws if there is none. */
export function functionTemplate(manifests: Manifest[], name: string): PodTemplate {
  const service = find(manifests, knativeService, name);
  const template = service && templateOf(service);
  if (template === undefined) throw new Error(`no Knative Service ${name}`);
  return template;
}

/** Returns the data of the ConfigMap `name`. Throws if there is none. */
export function configMapData(manifests: Manifest[], name: string): Record<string, string> {
  const map = find(manifests, 'v1 ConfigMap', name);
  if (map === undefined) throw new Error(`no ConfigMap ${name}`);
  return map.data as Record<string, string>;
}
