// What Knative Serving's webhook refuses although the Kubernetes types allow it. Source:
// pkg/apis/serving/fieldmask.go, k8s_validation.go and metadata_validation.go of knative/serving, with the
// feature flags at their defaults.
import { templateOf, type Container, type Manifest, type PodSpec, type Probe } from './shapes.ts';

/** The flags of config-features that an overlay needs. */
export type FeatureFlag =
  'kubernetes.podspec-persistent-volume-claim' | 'kubernetes.podspec-persistent-volume-write';

const podFields = [
  'containerConcurrency',
  'timeoutSeconds',
  'responseStartTimeoutSeconds',
  'idleTimeoutSeconds',
  'serviceAccountName',
  'containers',
  'volumes',
  'imagePullSecrets',
  'enableServiceLinks',
];
const containerFields = [
  'name',
  'image',
  'imagePullPolicy',
  'command',
  'args',
  'workingDir',
  'env',
  'envFrom',
  'ports',
  'resources',
  'securityContext',
  'volumeMounts',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'terminationMessagePath',
  'terminationMessagePolicy',
];
const securityFields = [
  'allowPrivilegeEscalation',
  'capabilities',
  'readOnlyRootFilesystem',
  'runAsGroup',
  'runAsNonRoot',
  'runAsUser',
  'seccompProfile',
];
const probeFields = [
  'httpGet',
  'tcpSocket',
  'exec',
  'grpc',
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
];
const volumeSources = ['secret', 'configMap', 'projected', 'emptyDir'];
const reservedVariables = new Set(['PORT', 'K_SERVICE', 'K_CONFIGURATION', 'K_REVISION']);
const reservedPorts = new Set([8008, 8012, 8013, 8022, 9090, 9091]);
const reservedPaths = new Set(['/', '/dev', '/dev/log']);
/** config-defaults' max-revision-timeout-seconds. */
const maxTimeoutS = 600;

const beyond = (what: object, allowed: string[], where: string): string[] =>
  Object.keys(what)
    .filter((field) => !allowed.includes(field))
    .map((field) => `${where}.${field} is not allowed`);

/** Returns everything that Knative would refuse in `service`, in words; empty if it would accept it. */
export function knativeFaults(service: Manifest, flags: FeatureFlag[] = []): string[] {
  const template = templateOf(service);
  if (template === undefined) return ['no template'];
  const { metadata, spec } = template;
  return [
    ...Object.keys(service.metadata.annotations ?? {})
      .filter((key) => key.startsWith('autoscaling.knative.dev/'))
      .map((key) => `${key} belongs on the template`),
    ...beyond(metadata, ['labels', 'annotations'], 'template.metadata'),
    ...scaleFaults(metadata.annotations ?? {}),
    ...beyond(spec, podFields, 'spec'),
    ...(spec.timeoutSeconds !== undefined && spec.timeoutSeconds > maxTimeoutS
      ? ['timeoutSeconds too long']
      : []),
    ...(spec.containers.length === 1 ? [] : ['not one container']),
    ...spec.containers.flatMap((each) => containerFaults(each)),
    ...volumeFaults(spec, flags),
  ];
}

function scaleFaults(annotations: Record<string, string>): string[] {
  const count = (name: string): number => Number(annotations[`autoscaling.knative.dev/${name}`] ?? '0');
  const counts = ['min-scale', 'max-scale', 'initial-scale'].filter(
    (each) => !Number.isInteger(count(each)) || count(each) < 0,
  );
  const percentage = Number(annotations['autoscaling.knative.dev/target-utilization-percentage'] ?? '70');
  const kind = annotations['autoscaling.knative.dev/class'] ?? 'kpa.autoscaling.knative.dev';
  return [
    ...counts.map((each) => `${each} is not a count`),
    ...(count('max-scale') !== 0 && count('max-scale') < count('min-scale') ? ['max-scale < min-scale'] : []),
    ...(percentage >= 1 && percentage <= 100 ? [] : ['target-utilization-percentage is not from 1 to 100']),
    ...(/^[kh]pa\.autoscaling\.knative\.dev$/.test(kind) ? [] : [`unknown class ${kind}`]),
  ];
}

function containerFaults(container: Container): string[] {
  const { ports = [], env = [], securityContext = {}, volumeMounts = [] } = container;
  const probes = [container.readinessProbe, container.livenessProbe, container.startupProbe];
  const capabilities = (securityContext.capabilities ?? {}) as { add?: string[] };
  return [
    ...beyond(container, containerFields, 'container'),
    ...beyond(securityContext, securityFields, 'securityContext'),
    ...(capabilities.add === undefined ? [] : ['capabilities may not be added']),
    ...(container.name === 'queue-proxy' ? ['reserved container name'] : []),
    ...(ports.length > 1 ? ['more than one port'] : []),
    ...ports.filter((each) => reservedPorts.has(each.containerPort)).map(() => 'a port Knative uses itself'),
    ...ports
      .filter((each) => !['', 'h2c', 'http1'].includes(each.name ?? ''))
      .map(() => 'a port name of its own'),
    ...env
      .filter((each) => reservedVariables.has(each.name))
      .map((each) => `${each.name} is Knative's to set`),
    ...volumeMounts
      .filter((each) => reservedPaths.has(each.mountPath))
      .map(() => 'a mount over a reserved path'),
    ...probes.flatMap((each) =>
      each === undefined ? [] : probeFaults(each, ports[0]?.containerPort ?? 8080),
    ),
  ];
}

function probeFaults(probe: Probe, port: number): string[] {
  const handlers = ['httpGet', 'tcpSocket', 'exec', 'grpc'].filter((each) => probe[each] !== undefined);
  const aggressive = probe.periodSeconds === undefined || probe.periodSeconds === 0;
  return [
    ...beyond(probe, probeFields, 'probe'),
    ...(handlers.length === 1 ? [] : ['a probe needs one handler']),
    ...(probe.httpGet?.port !== undefined && probe.httpGet.port !== port ? ['a probe of another port'] : []),
    ...(aggressive && (probe.failureThreshold !== undefined || probe.timeoutSeconds !== undefined)
      ? ['failureThreshold and timeoutSeconds need a periodSeconds']
      : []),
  ];
}

function volumeFaults({ volumes = [], containers }: PodSpec, flags: FeatureFlag[]): string[] {
  const mounted = new Set(containers.flatMap((each) => (each.volumeMounts ?? []).map(({ name }) => name)));
  const claims = [
    'kubernetes.podspec-persistent-volume-claim',
    'kubernetes.podspec-persistent-volume-write',
  ] as const;
  return volumes.flatMap(({ name, persistentVolumeClaim, ...source }) => [
    ...(mounted.has(name) ? [] : [`volume ${name} is not mounted`]),
    ...beyond(source, volumeSources, `volume ${name}`),
    ...(persistentVolumeClaim === undefined
      ? []
      : claims.filter((each) => !flags.includes(each)).map((each) => `volume ${name} needs ${each}`)),
  ]);
}
