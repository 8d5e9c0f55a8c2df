import { expect, it } from 'vitest';
import { desiredReplicas } from '../local/scaling.ts';
import { randomFrom } from '../functions/testing/random.ts';
import { autoscale } from './autoscaler.ts';
import type { QueueScaling } from './settings.ts';
import { Simulation } from './simulation.ts';

const rules: QueueScaling = {
  max: 1000,
  target: 8,
  cooldownMs: 60_000,
  startMs: 0,
  pollMs: 1000,
  syncMs: 15_000,
  growth: 4,
};

/** Returns the pods at the end of each second, while `pendingAt` returns how much work there is. */
function podsOver(
  seconds: number,
  pendingAt: (second: number) => number,
  changed: Partial<QueueScaling> = {},
) {
  const simulation = new Simulation();
  const scaled = {
    replicas: 0,
    get pending() {
      return pendingAt(simulation.now / 1000);
    },
    scale(replicas: number) {
      this.replicas = replicas;
    },
  };
  simulation.start(autoscale(simulation, scaled, { ...rules, ...changed }));
  return Array.from({ length: seconds }, (_, second) => {
    simulation.run((second + 1) * 1000 - 1);
    return scaled.replicas;
  });
}

it('starts one pod at the first look, then doubles every 15 s or adds four', () => {
  const pods = podsOver(91, () => 100_000);
  expect([0, 15, 30, 45, 60, 75, 90].map((second) => pods[second])).toEqual([1, 5, 10, 20, 40, 80, 160]);
});

it('agrees with the scaler of npm start where nothing holds it back', () => {
  const random = randomFrom(5);
  const work = Array.from({ length: 200 }, () => 1 + Math.floor(random() * 2000));
  const pods = podsOver(200, (second) => work[Math.floor(second)], {
    syncMs: 1000,
    growth: Infinity,
    cooldownMs: 1,
  });
  let replicas = 0;
  for (const [second, total] of work.entries()) {
    replicas = desiredReplicas(replicas, total, 0, rules);
    expect(pods[second]).toBe(replicas);
  }
});

it('scales down to the highest number wanted within the last minute, and to zero after the cooldown', () => {
  const pods = podsOver(200, (second) => (second < 20 ? 400 : second < 100 ? 80 : 0), { growth: Infinity });
  expect(pods[16]).toBe(50);
  expect(pods[70]).toBe(50);
  expect(pods[99]).toBe(10);
  expect(pods[158]).toBeGreaterThan(0);
  expect(pods[175]).toBe(0);
});
