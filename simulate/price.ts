// What pods cost: for each pod the CPU it requests or uses, whichever is more, and the memory it requests.
import type { Outcome } from './trial.ts';

export interface Prices {
  /** Price of one core for an hour. */
  cpuHour: number;
  /** Price of one GiB for an hour. */
  gibHour: number;
}

/** `resources.requests` of the manifests; for Redis its memory limit, which a node must have. */
export const requests = {
  split: { cores: 0.025, gib: 0.25 },
  blur: { cores: 0.05, gib: 0.125 },
  assemble: { cores: 0.025, gib: 0.25 },
  redis: { cores: 0.25, gib: 3 },
};

/** Returns the price of a million pictures. */
export function perMillion({ pods, busy, imagesPerSecond }: Outcome, { cpuHour, gibHour }: Prices): number {
  const counts = { ...pods, redis: 1 };
  let perHour = 0;
  for (const name of ['split', 'blur', 'assemble', 'redis'] as const) {
    const { cores, gib } = requests[name];
    perHour += counts[name] * (Math.max(cores, busy[name]) * cpuHour + gib * gibHour);
  }
  return (perHour / (imagesPerSecond * 3600)) * 1e6;
}
