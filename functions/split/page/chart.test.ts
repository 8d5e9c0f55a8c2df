import { describe, expect, it } from 'vitest';
import { stepLine } from './chart.tsx';

const points = (...values: [at: number, value: number][]) => values.map(([at, value]) => ({ at, value }));

describe('the line of a chart', () => {
  it('goes up and down in steps, with the newest point at the right edge', () => {
    const line = stepLine(points([0, 0], [5000, 4], [9000, 0], [10_000, 0]), 10_000, 4);
    expect(line).toBe('M0 29 H50 V2 H90 V29 H100 V29 H100');
  });

  it('begins at the left edge with what was there before', () => {
    expect(stepLine(points([0, 2], [50_000, 0]), 10_000, 2)).toBe('M0 2 H100 V29 H100');
  });

  it('is empty without points', () => expect(stepLine([], 10_000, 1)).toBe(''));
});
