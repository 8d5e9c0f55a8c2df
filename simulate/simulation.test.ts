import { expect, it } from 'vitest';
import { Simulation, type Process } from './simulation.ts';
import { Cores, Signal, Station, Tokens } from './station.ts';

/** Runs processes that record when they end. */
function finishTimes(
  simulation: Simulation,
  processes: Record<string, () => Process>,
): Record<string, number> {
  const times: Record<string, number> = {};
  function* noted(name: string, process: () => Process): Process {
    yield* process();
    times[name] = simulation.now;
  }
  for (const [name, process] of Object.entries(processes)) simulation.start(noted(name, process));
  simulation.run();
  return times;
}

it('runs events in the order of their times, and those of the same time in the order they were started', () => {
  const simulation = new Simulation();
  const order: string[] = [];
  function* after(ms: number, name: string): Process {
    yield simulation.pause(ms);
    order.push(name);
  }
  for (const [ms, name] of [
    [5, 'late'],
    [1, 'early'],
    [3, 'first of two'],
    [3, 'second of two'],
  ] as const) {
    simulation.start(after(ms, name));
  }
  simulation.run();
  expect(order).toEqual(['early', 'first of two', 'second of two', 'late']);
  expect(simulation.now).toBe(5);
});

it('stops at the given time, and continues from there', () => {
  const simulation = new Simulation();
  let rings = 0;
  function* bell(): Process {
    for (;;) {
      yield simulation.pause(10);
      rings++;
    }
  }
  simulation.start(bell());
  simulation.run(35);
  expect([rings, simulation.now]).toEqual([3, 35]);
  simulation.run(40);
  expect(rings).toBe(4);
});

it('keeps the order of thousands of random times', () => {
  const simulation = new Simulation();
  const seen: number[] = [];
  function* at(ms: number): Process {
    yield simulation.pause(ms);
    seen.push(ms);
  }
  const times = Array.from({ length: 5000 }, (_, nth) => (nth * 7919) % 4999);
  for (const ms of times) simulation.start(at(ms));
  simulation.run();
  expect(seen).toEqual(times.sort((a, b) => a - b));
});

it('does the work of a station one after another, first come, first served', () => {
  const simulation = new Simulation();
  const station = new Station(simulation);
  const times = finishTimes(simulation, {
    a: () => station.work(4),
    b: () => station.work(1),
    c: () => station.work(2),
  });
  expect(times).toEqual({ a: 4, b: 5, c: 7 });
  expect(station.busyMs).toBe(7);
});

it('shares cores between threads in turns', () => {
  const simulation = new Simulation();
  const cores = new Cores(simulation, 1);
  const [long, short] = [new Station(simulation, cores), new Station(simulation, cores)];
  const times = finishTimes(simulation, { long: () => long.work(10), short: () => short.work(2) });
  expect(times).toEqual({ long: 12, short: 4 });
});

it('slows all cores down when the last of them is busy', () => {
  const simulation = new Simulation();
  const cores = new Cores(simulation, 2, 1.5);
  const threads = [new Station(simulation, cores), new Station(simulation, cores)];
  const times = finishTimes(simulation, { a: () => threads[0].work(1), b: () => threads[1].work(1) });
  expect(times).toEqual({ a: 1, b: 1.5 });
  expect(cores.usedMs).toBe(2.5);
});

it('gives tokens to waiting processes in the order they arrived', () => {
  const simulation = new Simulation();
  const tokens = new Tokens(1);
  function* holding(ms: number): Process {
    yield* tokens.take();
    yield simulation.pause(ms);
    tokens.give();
  }
  const times = finishTimes(simulation, { a: () => holding(3), b: () => holding(3), c: () => holding(1) });
  expect(times).toEqual({ a: 3, b: 6, c: 7 });
});

it('wakes all processes that wait for a signal, and those whose time is over', () => {
  const simulation = new Simulation();
  const signal = new Signal(simulation);
  function* waiting(ms?: number): Process {
    yield signal.wait(ms);
  }
  function* sending(): Process {
    yield simulation.pause(10);
    signal.send();
  }
  const times = finishTimes(simulation, { patient: () => waiting(), impatient: () => waiting(4), sending });
  expect(times).toEqual({ patient: 10, impatient: 4, sending: 10 });
});
