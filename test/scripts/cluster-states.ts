// What a fake kubectl answers about a cluster: Knative Services and pods as the API server shows them.
import type { Rule } from './shell.ts';

/** A cluster whose nodes have room, with a default StorageClass. */
export const roomy: Rule[] = [
  nodes({ cpu: '8', memory: '32Gi' }),
  podsOnNodes([]),
  storageClasses({ standard: { 'storageclass.kubernetes.io/is-default-class': 'true' } }),
];

/** Answers `get nodes` with nodes of these sizes. */
export function nodes(...allocatable: { cpu: string; memory: string }[]): Rule {
  const items = allocatable.map((each, at) => ({
    metadata: { name: `node-${at}` },
    spec: {},
    status: { allocatable: each },
  }));
  return { call: 'get nodes --output json', stdout: JSON.stringify({ items }) };
}

/** Answers `get pods --all-namespaces` with pods that request these amounts of a node. */
export function podsOnNodes(
  asked: { cpu: string; memory: string; node?: number; namespace?: string; phase?: string }[],
): Rule {
  const items = asked.map(({ cpu, memory, node = 0, namespace = 'others', phase = 'Running' }) => ({
    metadata: { namespace, labels: { 'app.kubernetes.io/part-of': 'tessera' } },
    spec: {
      nodeName: `node-${node}`,
      containers: [{ resources: { requests: { cpu, memory } } }, { resources: {} }],
    },
    status: { phase },
  }));
  return { call: 'get pods --all-namespaces --output json', stdout: JSON.stringify({ items }) };
}

/** Answers `get storageclasses` with classes that have these annotations, if the script asks for both marks of a default one. */
export function storageClasses(annotations: Record<string, Record<string, string> | undefined>): Rule {
  const values = Object.values(annotations).flatMap((each) => Object.values(each ?? {}));
  const marks = [
    'storageclass.kubernetes.io/is-default-class',
    'storageclass.beta.kubernetes.io/is-default-class',
  ];
  return { call: `get storageclasses ${asksFor(...marks)}`, stdout: values.join(' ') };
}

/** A pattern for the end of a call that asks for these fields or annotations, in this order. */
export function asksFor(...fields: string[]): string {
  // A dot in the name of an annotation has a backslash before it.
  const patterns = fields.map((field) => field.replaceAll('.', '.{1,2}'));
  return `--output jsonpath=.*${patterns.join('.*')}`;
}

/** Answers `get customresourcedefinition TYPE...` with those of these types. */
export function resourceTypes(...types: string[]): Rule {
  return {
    call: 'get customresourcedefinition .* --ignore-not-found --output name',
    stdout: types.map((type) => `customresourcedefinition.apiextensions.k8s.io/${type}\n`).join(''),
  };
}

/** The resource types that the default overlay needs. */
export const neededTypes = ['services.serving.knative.dev', 'scaledobjects.keda.sh'];

/** Answers `get deployments --namespace NAMESPACE` with these, by name, and their versions. */
export function deployments(namespace: string, versions: Record<string, string>): Rule {
  return {
    call: `get deployments --namespace ${namespace} ${asksFor('.name', '.labels.app.kubernetes.io/version')}`,
    stdout: Object.entries(versions)
      .map((each) => `${each.join(' ')}\n`)
      .join(''),
  };
}

/** Answers `get deployments` with the namespace of KEDA's operator and its version. */
export function kedaOperator(namespace: string, version: string): Rule {
  const fields = asksFor('.namespace', '.labels.app.kubernetes.io/version');
  return {
    call: `get deployments --all-namespaces --selector app=keda-operator ${fields}`,
    stdout: `${namespace} ${version}\n`,
  };
}

/** The Deployments of Knative Serving that the default overlay needs. */
export const serving = { controller: '1.22.1', 'autoscaler-keda': 'native-v1.22.0' };

/** The parts of a Knative Service that the scripts read. */
export interface ServiceState {
  /** Its newest revision. */
  created: string;
  /** The newest revision that was Ready; by default the newest of all. */
  ready?: string;
  /** Whether Knative has seen its last change. */
  isSeen?: boolean;
}

/** Answers `get services.serving.knative.dev NAME...` with these. */
export function services(states: Record<string, ServiceState>): Rule {
  const items = Object.entries(states).map(([name, { created, ready = created, isSeen = true }]) => ({
    metadata: { name, generation: 2 },
    status: {
      observedGeneration: isSeen ? 2 : 1,
      latestCreatedRevisionName: created,
      latestReadyRevisionName: ready,
      conditions: [{ type: 'Ready', status: ready === created ? 'True' : 'Unknown' }],
    },
  }));
  const one = items.length === 1 ? items[0] : { items };
  return {
    call: `get services.serving.knative.dev ${Object.keys(states).join(' ')} --output json`,
    stdout: JSON.stringify(one),
  };
}

/** Answers `get pods --selector SELECTOR` with pods of these statuses, by name. */
export function pods(selector: string, statuses: Record<string, object>): Rule {
  const items = Object.entries(statuses).map(([name, status]) => ({ metadata: { name }, status }));
  return { call: `get pods --selector ${selector} --output json`, stdout: JSON.stringify({ items }) };
}

/** Returns the status of a pod that has found no node for so many seconds. */
export function homeless(message: string, forSeconds: number): object {
  const since = new Date(Date.now() - forSeconds * 1000).toISOString().replace(/\.\d+/, '');
  const scheduled = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    lastTransitionTime: since,
  };
  return { phase: 'Pending', conditions: [{ ...scheduled, message }] };
}

/** Returns the status of a pod with one container in this state. */
export function container(name: string, state: object): object {
  return { phase: 'Running', containerStatuses: [{ name, ready: false, ...state }] };
}

/**
 * A cluster with everything that the default overlay needs, where blur-00002 is the newest revision and
 * everything is Ready.
 */
export const readyCluster: Rule[] = [
  resourceTypes(...neededTypes),
  deployments('knative-serving', serving),
  kedaOperator('keda', '2.20.2'),
  {
    call: '^kubectl version --output yaml',
    stdout: 'clientVersion:\n  gitVersion: v1.34.1\nserverVersion:\n  gitVersion: v1.35.4\n',
  },
  { call: '^kn version', stdout: 'Version:      v1.22.0\nBuild Date:   2026-04-29 10:00:00\n' },
  { call: 'latestCreatedRevisionName', stdout: 'blur-00002 blur-00002' },
  { call: 'get revisions.serving.knative.dev', stdout: 'blur-00001 blur-00002' },
  services({
    split: { created: 'split-00002' },
    blur: { created: 'blur-00002' },
    assemble: { created: 'assemble-00002' },
  }),
  { call: 'get service.serving.knative.dev split --output', stdout: 'http://split.tessera.example.com' },
  ...roomy,
];
