// What a stand-in for kubectl answers about a cluster: Knative Services and pods as the API server shows them.
import type { Rule } from './shell.ts';

/** A Knative Service as far as the scripts read it. */
export interface ServiceState {
  /** Its newest revision. */
  created: string;
  /** The newest revision that was Ready; the newest of all unless it is given. */
  ready?: string;
  /** Why it is not Ready. */
  message?: string;
}

/** Answers `get services.serving.knative.dev NAME...` with these. */
export function services(states: Record<string, ServiceState>): Rule {
  const items = Object.entries(states).map(([name, { created, ready = created, message }]) => ({
    metadata: { name, generation: 2 },
    status: {
      observedGeneration: 2,
      latestCreatedRevisionName: created,
      latestReadyRevisionName: ready,
      conditions: [{ type: 'Ready', status: ready === created ? 'True' : 'Unknown', message }],
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

/** The status of a pod that has found no node for so many seconds. */
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

/** The status of a pod with one container in this state. */
export function container(name: string, state: object): object {
  return { phase: 'Running', containerStatuses: [{ name, ready: false, ...state }] };
}
