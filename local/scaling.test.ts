import { expect, it } from 'vitest';
import { desiredReplicas, ScaleDownWindow, type ScalingRules } from './scaling.ts';

const rules: ScalingRules = { target: 10, max: 4, cooldownMs: 1000 };

it.each<[string, number, number, number, number]>([
  ['wakes the first worker for a single job', 0, 1, 0, 1],
  ['wakes one worker, not several, from zero', 0, 500, 0, 1],
  ['stays at zero while there is nothing to do', 0, 0, 5000, 0],
  ['scales out to the jobs each worker is meant to have', 1, 25, 0, 3],
  ['stops at the ceiling', 1, 500, 0, 4],
  ['leaves a deviation of a tenth alone', 2, 21, 0, 2],
  ['scales in when there are fewer jobs', 4, 11, 0, 2],
  ['keeps a worker while anything is in flight', 1, 1, 0, 1],
  ['keeps a worker through the cooldown', 1, 0, 999, 1],
  ['goes to zero after the cooldown', 1, 0, 1000, 0],
])('%s', (_what, replicas, total, idleMs, wanted) => {
  expect(desiredReplicas(replicas, total, idleMs, rules)).toBe(wanted);
});

it('goes down only to the most that was wanted within the window', () => {
  const window = new ScaleDownWindow(1000);
  expect([0, 400, 800].map((now, nth) => window.mostWanted(now, [2, 4, 1][nth]))).toEqual([2, 4, 4]);
  expect(window.mostWanted(1399, 1)).toBe(4);
  expect(window.mostWanted(1400, 1)).toBe(1);
});

it('goes to zero at once, however many were wanted within the window', () => {
  const window = new ScaleDownWindow(1000);
  window.mostWanted(0, 4);
  expect(window.mostWanted(1, 0)).toBe(0);
});
