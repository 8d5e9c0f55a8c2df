// `npm run bench [-- kernel|codec|e2e|batch|fromzero|scale|memory|cold|scripts|costs ...] [--rounds N]`: runs the given benches, or all
// of them, prints their tables, and stores the figures in bench/results.json and the plots in docs/img.
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseOptions, runCommand, UsageError, wholeNumber } from '../scripts/lib/options.ts';
import { benchBatch } from './batch.ts';
import { benchCodec } from './codec.ts';
import { benchCold } from './cold.ts';
import { benchCosts } from './costs.ts';
import { benchEndToEnd } from './e2e.ts';
import { benchFromZero } from './from-zero.ts';
import { benchKernel } from './kernel.ts';
import { benchMemory } from './memory.ts';
import { drawPlots } from './plots.ts';
import type { Results } from './results.ts';
import { benchScale } from './scale.ts';
import { benchScripts } from './scripts.ts';

const FILE = join(import.meta.dirname, 'results.json');

/** Without `rounds`, each bench runs as many as it needs. */
type Options = { rounds?: number };

const benches: Record<string, (options: Options) => Promise<Partial<Results>>> = {
  kernel: async (options) => ({ kernel: await benchKernel(options) }),
  codec: async (options) => ({ codec: await benchCodec(options) }),
  e2e: async (options) => ({ e2e: await benchEndToEnd(options) }),
  batch: async (options) => ({ batch: await benchBatch(options) }),
  fromzero: async (options) => ({ fromZero: await benchFromZero(options) }),
  scale: async (options) => ({ scale: await benchScale(options) }),
  memory: async () => ({ memory: await benchMemory() }),
  cold: async (options) => ({ cold: await benchCold(options) }),
  scripts: async (options) => ({ scripts: await benchScripts(options) }),
  costs: async (options) => ({ costs: await benchCosts(options) }),
};

const HELP = `Measures the speed, the scaling and the memory: npm run bench -- [BENCH...] [options]

  --rounds N  how often each of them is measured; by default as often as it needs
  --help      this text

The benches are ${Object.keys(benches).join(', ')}.
Without a name, all of them run. The figures go to bench/results.json, the plots to docs/img.`;

async function main(): Promise<number> {
  const { values, positionals: named } = parseOptions({
    allowPositionals: true,
    options: { rounds: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const unknown = named.filter((name) => !Object.hasOwn(benches, name));
  if (unknown.length > 0) throw new UsageError(`there is no bench ${unknown.join(', ')}`);

  const options = values.rounds === undefined ? {} : { rounds: wholeNumber('rounds', values.rounds) };
  const results = await readResults();
  for (const name of named.length > 0 ? named : Object.keys(benches)) {
    Object.assign(results, await benches[name](options), { machine: machine() });
    await writeFile(FILE, `${JSON.stringify(results, null, 2)}\n`);
  }
  await drawPlots(results, join(import.meta.dirname, '../docs/img'));
  return 0;
}

async function readResults(): Promise<Results> {
  return readFile(FILE, 'utf8').then(
    (text) => JSON.parse(text) as Results,
    () => ({}), // The first run.
  );
}

function machine() {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
  };
}

await runCommand(main, 1);
