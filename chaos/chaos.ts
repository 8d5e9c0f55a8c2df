// `scripts/chaos.sh --target local`: kills every blur worker with tiles in hand, in one queue mode or both, and tells
// what was lost.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { isKernelSize } from '../functions/lib/kernel-size.ts';
import { buildIfStale } from '../scripts/build.ts';
import { runChaos, type ChaosOptions, type ChaosResult } from './run.ts';
import { chaosSample } from './sample.ts';

/** A run in which nobody died with a tile in hand proves nothing and is made again, so often. */
const TRIES = 3;
const DEADLINE_MS = 180_000;
const COULD_NOT_RUN = 2;
const INTERRUPTED = 130;

type Settings = Omit<ChaosOptions, 'queue'> & { queues: ('naive' | 'lease')[] };

class UsageError extends Error {}

async function readSettings(argv: string[], signal: AbortSignal): Promise<Settings> {
  const { values } = parseArgs({
    args: argv,
    options: {
      queue: { type: 'string', default: 'both' },
      image: { type: 'string' },
      kernel: { type: 'string', default: '51' },
      kills: { type: 'string', default: '1' },
      workers: { type: 'string', default: '4' },
    },
  });
  const whole = (name: 'kills' | 'workers', max: number) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= 1 && value <= max) return value;
    throw new UsageError(`--${name} is ${values[name]}; a whole number from 1 to ${max} is wanted`);
  };
  const kernel = Number(values.kernel);
  if (!isKernelSize(kernel)) {
    throw new UsageError(`--kernel is ${values.kernel}; an odd number from 1 to 255 is wanted`);
  }
  const { queue } = values;
  if (queue !== 'naive' && queue !== 'lease' && queue !== 'both') {
    throw new UsageError(`--queue is ${queue}; naive, lease or both is wanted`);
  }
  return {
    queues: queue === 'both' ? ['naive', 'lease'] : [queue],
    kernel,
    kills: whole('kills', 1000),
    workers: whole('workers', 64),
    image: await readImage(values.image),
    deadlineMs: DEADLINE_MS,
    signal,
  };
}

/** The image's bytes; without a file, a landscape of 35 tiles. */
async function readImage(file: string | undefined): Promise<Uint8Array<ArrayBuffer>> {
  if (file !== undefined) {
    return readFile(file).catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(`${file} cannot be read (${error.code})`, { cause: error });
    });
  }
  return chaosSample();
}

/** A run that killed somebody with a tile in hand; null when there is none after a few tries. */
async function tryChaos(options: ChaosOptions): Promise<ChaosResult | null> {
  for (let tries = 1; tries <= TRIES; tries++) {
    const result = await runChaos(options);
    if (result.kills.length > 0) return result;
    console.error(`queue=${options.queue}: no worker had a tile in hand (try ${tries} of ${TRIES})`);
  }
  return null;
}

function report(result: ChaosResult, kills: number): void {
  for (const { workers, inHand } of result.kills) {
    console.log(`killed ${workers} workers with ${inHand} tiles in hand`);
  }
  if (result.kills.length < kills) {
    console.log(`the image was over after ${result.kills.length} of ${kills} kills`);
  }
  if (result.missing.length > 0) console.log(`missing tiles: ${result.missing.join(' ')}`);
  console.log(
    [
      `queue=${result.queue}`,
      `expected=${result.expected}`,
      `processed=${result.processed}`,
      `jobs_in_queue=${result.jobsInQueue}`,
      `results_in_queue=${result.resultsInQueue}`,
      `in_flight=${result.inFlight}`,
      `missing=${result.missing.length}`,
      `output=${result.isOutputPresent ? 'present' : 'absent'}`,
    ].join(' '),
  );
}

/** The two modes side by side. */
function compare(results: ChaosResult[]): void {
  const rows: [string, (result: ChaosResult) => string | number][] = [
    ['', ({ queue }) => queue],
    ['tiles in hand when killed', ({ kills }) => kills.reduce((sum, { inHand }) => sum + inHand, 0)],
    ['tiles missing', ({ missing }) => missing.length],
    ['output', ({ isOutputPresent }) => (isOutputPresent ? 'present' : 'absent')],
    ['ms', ({ ms }) => ms],
  ];
  console.log('');
  for (const [label, cell] of rows) {
    console.log(label.padEnd(27) + results.map((result) => String(cell(result)).padStart(9)).join(''));
  }
}

function isWhole({ missing, isOutputPresent }: ChaosResult): boolean {
  return missing.length === 0 && isOutputPresent;
}

async function main(): Promise<number> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  const { queues, ...settings } = await readSettings(process.argv.slice(2), interrupted.signal);
  await buildIfStale();
  const results: ChaosResult[] = [];
  try {
    for (const queue of queues) {
      const result = await tryChaos({ ...settings, queue });
      if (!result) return COULD_NOT_RUN;
      report(result, settings.kills);
      results.push(result);
    }
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    console.error('Interrupted');
    return INTERRUPTED;
  }
  if (queues.length === 1) return isWhole(results[0]) ? 0 : 1;
  compare(results);
  const [naive, lease] = results;
  if (!isWhole(lease)) return 1;
  // Workers died with tiles in hand, so a naive queue that lost none was no naive queue.
  return isWhole(naive) ? COULD_NOT_RUN : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage =
    error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  console.error(isUsage ? (error as Error).message : error);
  process.exitCode = COULD_NOT_RUN;
}
