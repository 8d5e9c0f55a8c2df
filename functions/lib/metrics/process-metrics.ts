// The metrics of one process: what it timed and counted itself, its event loop, its memory, and which code it is.
import { readFile } from 'node:fs/promises';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { buildInfo, requests, tilesInFlight, timings, uploadsInFlight } from './definitions.ts';
import type { Meter, Timed } from './measure.ts';
import type { MetricsParts } from './start.ts';

/** Gauges of prom-client that are named like counters. The same numbers are in the gauges without `_total`, by type. */
const MISNAMED = [
  'nodejs_active_resources_total',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
];

/** Returns the metrics of this process, and the meter that fills them. */
export async function processMetrics({
  of,
  inFlight,
}: MetricsParts): Promise<{ registry: Registry; meter: Meter }> {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);

  const { labels: labelNames, ...build } = buildInfo;
  new Gauge({ ...build, labelNames, registers }).set({ function: of, ...(await readBuild()) }, 1);

  if (inFlight) {
    const definition = of === 'split' ? uploadsInFlight : tilesInFlight;
    const gauge = new Gauge({
      ...definition,
      registers: [],
      collect() {
        this.set(inFlight());
      },
    });
    registry.registerMetric(gauge);
  }

  const own = Object.entries(timings).filter(([, definition]) => definition.of === of);
  const histograms = new Map(
    own.map(([what, { name, help, buckets }]) => [
      what as Timed,
      new Histogram({ name, help, buckets: [...buckets], registers }),
    ]),
  );
  const requestCounter = new Counter({
    name: requests.name,
    help: requests.help,
    labelNames: requests.labels,
    registers,
  });
  const meter: Meter = {
    time: (what, seconds) => histograms.get(what)?.observe(seconds),
    request: (labels) => requestCounter.inc({ ...labels }),
  };
  return { registry, meter };
}

/** Returns what scripts/build.ts wrote beside the bundle. */
async function readBuild(): Promise<{ version: string; commit: string }> {
  const text = await readFile(new URL('package.json', import.meta.url), 'utf8').catch(() => '{}');
  const { version = 'unknown', commit = 'unknown' } = JSON.parse(text) as Record<string, string>;
  return { version, commit };
}
