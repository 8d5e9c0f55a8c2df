// KEDA and the Kubernetes autoscaler behind it: KEDA starts the first pod and stops the last one, the autoscaler decides about
// all between. How many there should be is computed as `npm start` does it.
import { desiredReplicas, ScaleDownWindow } from '../local/scaling.ts';
import type { QueueScaling } from './settings.ts';
import type { Process, Simulation } from './simulation.ts';

export interface Scaled {
  /** Pods that run or are starting. */
  readonly replicas: number;
  /** What KEDA's formula adds up: jobs ready, leased and delayed, and events not taken yet. */
  readonly pending: number;
  scale(replicas: number): void;
}

/** Scales `scaled` by `rules`, for ever. */
export function* autoscale(simulation: Simulation, scaled: Scaled, rules: QueueScaling): Process {
  const window = new ScaleDownWindow(rules.cooldownMs);
  let activeAt = 0;
  let syncedAt = -Infinity;
  for (;;) {
    const { replicas, pending } = scaled;
    const { now } = simulation;
    if (pending > 0) activeAt = now;
    const isSync = now - syncedAt >= rules.syncMs;
    const wanted = desiredReplicas(replicas, pending, now - activeAt, rules);
    if (replicas === 0 || wanted === 0) {
      scaled.scale(wanted);
      if (wanted > 0) syncedAt = now; // The autoscaler waits a whole period before it looks at new pods.
    } else if (isSync) {
      syncedAt = now;
      const most = replicas + Math.max(rules.growth, replicas);
      scaled.scale(Math.min(window.mostWanted(now, wanted), most));
    }
    yield simulation.pause(rules.pollMs);
  }
}
