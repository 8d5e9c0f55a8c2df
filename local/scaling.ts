// Computes how many workers there should be, as KEDA and the Kubernetes autoscaler do.

export interface ScalingRules {
  /** Jobs per worker. */
  target: number;
  max: number;
  /** How long all queues must have been empty before the last worker stops. */
  cooldownMs: number;
}

/** A difference to the target up to this share changes nothing, as in the Kubernetes autoscaler. */
const TOLERANCE = 0.1;

/**
 * Returns how many workers there should be. `total`: ready, leased and delayed jobs and unsent events.
 * `idleMs`: how long `total` has been zero.
 */
export function desiredReplicas(
  replicas: number,
  total: number,
  idleMs: number,
  rules: ScalingRules,
): number {
  const isActive = total > 0;
  if (!isActive) return idleMs >= rules.cooldownMs ? 0 : Math.min(replicas, 1);
  if (replicas === 0) return 1;
  const ratio = total / (rules.target * replicas);
  const wanted = Math.abs(ratio - 1) <= TOLERANCE ? replicas : Math.ceil(total / rules.target);
  return Math.min(Math.max(wanted, 1), rules.max);
}

/** Like the Kubernetes autoscaler, scales down only to the highest number that was wanted within the last `lengthMs`. */
export class ScaleDownWindow {
  readonly #lengthMs: number;
  #wanted: { at: number; replicas: number }[] = [];

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  /** Records how many are wanted `now`. Returns how many there should be. */
  mostWanted(now: number, replicas: number): number {
    this.#wanted = this.#wanted.filter(({ at }) => at > now - this.#lengthMs);
    this.#wanted.push({ at: now, replicas });
    return replicas === 0 ? 0 : Math.max(...this.#wanted.map((each) => each.replicas));
  }
}
