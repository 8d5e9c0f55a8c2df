// The arithmetic by which KEDA and the autoscaler behind it decide how many workers there should be.

export interface ScalingRules {
  /** Jobs a worker is meant to have. */
  target: number;
  max: number;
  /** How long all queues must have been empty before the last worker goes. */
  cooldownMs: number;
}

/** Workers may miss the target by this share without anything being changed, as in the Kubernetes autoscaler. */
const TOLERANCE = 0.1;

/**
 * How many workers there should be. `total`: jobs ready, leased and delayed, and events unsent; `idleMs`: how long that
 * has been zero.
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
