// KEDA and the Kubernetes autoscaler: KEDA starts the first pod and stops the last one, the autoscaler
// decides in between. The number of pods is computed as in `npm start`.
import { desiredReplicas, ScaleDownWindow } from '../local/scaling.ts';
import type { QueueScaling } from './settings.ts';
import type { Process, Simulation } from './simulation.ts';

export interface Scaled {
  /** Pods that run or are starting. */
  readonly replicas: number;
  /** What KEDA's formula adds up: ready, leased and delayed jobs, and unsent events. */
  readonly pending: number;
  scale(replicas: number): void;
}

/** Scales `scaled` by `rules`, without end. */
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
