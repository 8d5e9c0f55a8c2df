import { beforeEach, describe, expect, it } from 'vitest';
import type { WorkerView } from './views.ts';
import { noteWorkers, workers } from './workers.ts';

const up = (id: string): WorkerView => ({
  id,
  since: `2026-01-01T00:00:0${id}Z`,
  inFlight: 1,
  done: 3,
  state: 'up',
});
const shown = () => workers.value.map(({ id, state }) => `${id} ${state}`);

beforeEach(() => {
  workers.value = [];
});

describe('the workers on the page', () => {
  it('are in the order in which they started', () => {
    noteWorkers([up('2'), up('1')]);
    expect(shown()).toEqual(['1 up', '2 up']);
  });

  it('stay for a moment when they have stopped, with nothing in flight', () => {
    noteWorkers([up('1'), up('2')], 0);
    noteWorkers([up('2')], 1000);
    expect(shown()).toEqual(['1 left', '2 up']);
    expect(workers.value[0]).toMatchObject({ inFlight: 0, done: 3 });
    noteWorkers([up('2')], 8000);
    expect(shown()).toEqual(['1 left', '2 up']);
    noteWorkers([up('2')], 9000);
    expect(shown()).toEqual(['2 up']);
  });

  it('are shown as lost when they were killed, as long as split says so, and not as stopped afterwards', () => {
    noteWorkers([up('1')], 0);
    noteWorkers([{ ...up('1'), state: 'lost' }], 1000);
    expect(shown()).toEqual(['1 lost']);
    noteWorkers([], 2000);
    expect(shown()).toEqual([]);
  });

  it('may come back', () => {
    noteWorkers([up('1')], 0);
    noteWorkers([], 1000);
    noteWorkers([up('1')], 2000);
    expect(shown()).toEqual(['1 up']);
  });
});
