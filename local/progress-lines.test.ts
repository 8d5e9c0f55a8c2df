import { expect, it } from 'vitest';
import { servingLine } from './progress-lines.ts';

const scaler = { queue: 0, leases: 0, delayed: 0, outbox: 0, desired: 0, running: 0 };

it.each([
  [200, 'queue 0 · in flight 0 · workers 0 · done 0, failed 0 · Ctrl-C ends it'],
  [60, 'queue 0 · in flight 0 · workers 0 · done 0, failed 0'],
  [49, 'queue 0 · in flight 0 · workers 0'],
  [20, 'queue 0'],
])('the line of --serve has as many whole parts as fit into %i columns', (columns, line) =>
  expect(servingLine(scaler, 'done 0, failed 0', columns)).toBe(line),
);

it('the line of --serve says that it is starting', () =>
  expect(servingLine(null, '', 80)).toBe('starting · Ctrl-C ends it'));
