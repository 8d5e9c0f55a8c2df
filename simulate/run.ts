// `npm run simulate [-- options]`: estimates the effect of more pods, with a model of the pipeline and
// measured costs.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CostsResults } from '../bench/costs.ts';
import type { Results } from '../bench/results.ts';
import { table } from '../bench/lib/measure.ts';
import { drawPlot } from '../bench/plots.ts';
import { parseOptions, runCommand, UsageError } from '../scripts/lib/options.ts';
import { check } from './check.ts';
import { perMillion, type Prices } from './price.ts';
import {
  behindLarge,
  capacity,
  setUps,
  variants,
  type Behind,
  type Capacity,
  type SetUp,
  type Variant,
} from './scenarios.ts';
import type { Settings } from './settings.ts';

const HELP = `Simulates the pipeline with many pods: npm run simulate -- [options]

  --pods N,N,...      pods of blur (default 10,100,1000)
  --images M:W,...    sizes of the images in megapixels, and how often each comes (default 0.5:5,4:3,12:2)
  --per-redis N       pods of blur for each Redis when there are several deployments (default 2)
  --cpu-hour PRICE    of a core for an hour (default 0.04)
  --gib-hour PRICE    of a GiB of memory for an hour (default 0.005)
  --seed N            of the images' order and times (default 1)
  --check             compare the model with the pipeline on this machine instead, with 1, 2 and 4 workers
  --plot              draw docs/img/scaling.svg too
  --help              this text

The costs are those that \`npm run bench -- costs\` has measured, from bench/results.json.`;

const ROOT = join(import.meta.dirname, '..');
const PLOTTED_PODS = [1, 2, 4, 8, 16, 32, 64];
const WARM_PODS = [1, 4, 10];

async function main(): Promise<number> {
  const { values } = parseOptions({
    options: {
      pods: { type: 'string', default: '10,100,1000' },
      images: { type: 'string', default: '0.5:5,4:3,12:2' },
      'per-redis': { type: 'string', default: '2' },
      'cpu-hour': { type: 'string', default: '0.04' },
      'gib-hour': { type: 'string', default: '0.005' },
      seed: { type: 'string', default: '1' },
      check: { type: 'boolean', default: false },
      plot: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const { costs } = JSON.parse(await readFile(join(ROOT, 'bench/results.json'), 'utf8')) as Results;
  if (!costs) throw new UsageError('there are no costs yet: run "npm run bench -- costs" first');
  if (values.check) return (await check(costs)) ? 0 : 1;

  const number = (name: 'per-redis' | 'cpu-hour' | 'gib-hour' | 'seed') => positive(name, values[name]);
  const change = { seed: number('seed'), sizes: sizesOf(values.images) };
  const prices = { cpuHour: number('cpu-hour'), gibHour: number('gib-hour') };
  const pods = values.pods.split(',').map((text) => positive('pods', text));
  const perRedis = number('per-redis');
  printCapacity(
    pods.flatMap((count) => [
      capacity('as deployed', costs, { pods: count, change }),
      capacity('only tiles in Redis', costs, { pods: count, change }),
      capacity('as deployed', costs, { pods: count, deployments: Math.ceil(count / perRedis), change }),
    ]),
    prices,
  );
  const names = Object.keys(variants) as Variant[];
  printBehind(WARM_PODS.flatMap((workers) => names.map((name) => behindLarge(costs, workers, name))));
  if (values.plot) await plot(costs, change);
  return 0;
}

/** Draws how throughput grows with the pods of one deployment. */
async function plot(costs: CostsResults, change: Partial<Settings>): Promise<void> {
  const names = Object.keys(setUps) as SetUp[];
  const series = names.map((name) => ({
    name,
    points: PLOTTED_PODS.map((pods) => ({
      x: pods,
      y: capacity(name, costs, { pods, change }).full.megapixelsPerSecond,
    })),
  }));
  const title = 'What one deployment blurs, simulated';
  await drawPlot(join(ROOT, 'docs/img/scaling.svg'), {
    title,
    xLabel: 'pods of blur',
    yLabel: 'Mpx/s',
    series,
  });
}

function printCapacity(rows: Capacity[], prices: Prices): void {
  console.log('Throughput with as much work as it takes; latency and price at 70 % of that');
  const cells = rows.map(({ name, pods, deployments, full, usual }) => [
    `${pods} pods, ${deployments > 1 ? `${deployments} × ` : ''}${name}`,
    (full.imagesPerSecond * deployments).toFixed(0),
    (full.megapixelsPerSecond * deployments).toFixed(0),
    (full.tilesPerSecond * deployments).toFixed(0),
    full.limit ?? 'nothing',
    (full.pods.blur * deployments).toFixed(0),
    ...[full.busy.redis, full.busy.blur].map((busy) => `${(100 * busy).toFixed(0)} %`),
    ...[usual.p50Ms, usual.p99Ms].map((ms) => ms.toFixed(0)),
    perMillion(usual, prices).toFixed(1),
  ]);
  const rates = ['images/s', 'Mpx/s', 'tiles/s', 'limit', 'pods used', 'Redis busy', 'blur busy'];
  const header = ['', ...rates, 'p50 ms', 'p99 ms', 'price per million'];
  console.log(table([header, ...cells]));
}

function printBehind(rows: Behind[]): void {
  console.log('\nPictures of 0.5 Mpx that come while one of 100 Mpx is blurred, ms');
  const cells = rows.map(({ workers, variant, alone, blurred, done, large }) => [
    `${workers} pods, ${variant}`,
    ...[alone, blurred.median, blurred.worst, done.median, done.worst, large].map((ms) => ms.toFixed(0)),
  ]);
  const header = ['', 'alone', 'blurred: median', 'worst', 'done: median', 'worst', 'the large one'];
  console.log(table([header, ...cells]));
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value < Infinity) return value;
  throw new UsageError(`--${name} is ${text}; a number above 0 is required`);
}

function sizesOf(text: string): Settings['sizes'] {
  return text.split(',').map((each) => {
    const [megapixels, weight = '1'] = each.split(':');
    return { megapixels: positive('images', megapixels), weight: positive('images', weight) };
  });
}

await runCommand(main, 1);
