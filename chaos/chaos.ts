// `scripts/chaos.sh`: kills every blur worker while tiles are in flight, in one queue mode or both, and
// reports what was lost.
import { readFile } from 'node:fs/promises';
import { kernel as kernelSize } from '../functions/lib/filters/filter.ts';
import { buildIfStale } from '../scripts/build.ts';
import { KubectlError } from '../scripts/lib/kubectl.ts';
import {
  oneOf,
  parameterValue,
  parseOptions,
  runCommand,
  UsageError,
  wholeNumber,
} from '../scripts/lib/options.ts';
import { ClusterPlace } from './cluster-target.ts';
import { comparison, isWhole, summary } from './report.ts';
import { runChaos, type ChaosOptions, type ChaosResult } from './run.ts';
import { CannotRun, type ChaosPlace, type QueueMode } from './target.ts';

/** A run in which no worker died with a tile in flight proves nothing, and is repeated up to this many times. */
const TRIES = 3;
const COULD_NOT_RUN = 2;
const INTERRUPTED = 130;

const readOptions = () =>
  parseOptions({
    options: {
      target: { type: 'string', default: 'local' },
      queue: { type: 'string', default: 'both' },
      image: { type: 'string' },
      kernel: { type: 'string', default: '51' },
      kills: { type: 'string', default: '1' },
      workers: { type: 'string', default: '4' },
      url: { type: 'string', default: process.env.SPLIT_URL },
      'token-file': { type: 'string' },
      namespace: { type: 'string', default: process.env.TESSERA_NAMESPACE || 'tessera' },
      timeout: { type: 'string', default: '300' },
      settle: { type: 'string', default: '4' },
    },
  }).values;

const narrate = (text: string) => console.log(text);

async function main(): Promise<number> {
  const values = readOptions();
  const target = oneOf('target', values.target, ['local', 'cluster']);
  const queue = oneOf('queue', values.queue, ['naive', 'lease', 'both']);
  const kills = wholeNumber('kills', values.kills, 1, 1000);
  const kernel = parameterValue('kernel', values.kernel, kernelSize);
  const workers = wholeNumber('workers', values.workers, 1, 64);
  const timeoutMs = wholeNumber('timeout', values.timeout, 1, 86_400) * 1000;
  const settleMs = wholeNumber('settle', values.settle, 1, 86_400) * 1000;
  const image = values.image === undefined ? await drawImage() : await readImage(values.image);
  const token = await readToken(values['token-file']);

  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupted.abort());
  const { signal } = interrupted;
  const options = { image, kernel, kills, timeoutMs, settleMs, narrate, signal };
  const openPlace = async () => {
    if (target === 'local') {
      await buildIfStale(() => narrate('building the functions'));
      const { LocalPlace } = await import('./local-target.ts');
      return new LocalPlace(workers, narrate);
    }
    const { namespace, url } = values;
    return ClusterPlace.open({ namespace, url: url || undefined, token, timeoutMs, narrate, signal });
  };
  try {
    return verdict(
      await demonstrate(await openPlace(), queue === 'both' ? ['naive', 'lease'] : [queue], options),
    );
  } catch (error) {
    const isExpected = error instanceof CannotRun || error instanceof KubectlError;
    if (!signal.aborted && !isExpected) throw error;
    console.error(signal.aborted ? 'Interrupted' : `error: ${(error as Error).message}`);
    return signal.aborted ? INTERRUPTED : COULD_NOT_RUN;
  }
}

/** Returns one result for each queue mode. Throws {@link CannotRun} if no worker died with a tile in flight. */
async function demonstrate(
  place: ChaosPlace,
  queues: QueueMode[],
  options: Omit<ChaosOptions, 'queue'>,
): Promise<ChaosResult[]> {
  const results: ChaosResult[] = [];
  try {
    for (const queue of queues) {
      const result = await tryChaos(place, { ...options, queue });
      console.log(summary(result, options.kills));
      results.push(result);
    }
  } finally {
    await place.close();
  }
  return results;
}

/** Returns a run in which workers died with tiles in flight. */
async function tryChaos(place: ChaosPlace, options: ChaosOptions): Promise<ChaosResult> {
  const target = await place.use(options.queue);
  for (let tries = 1; tries <= TRIES; tries++) {
    const result = await runChaos(target, options);
    if (result) return result;
    options.narrate(
      `queue=${options.queue}: no worker died with a tile in flight (try ${tries} of ${TRIES})`,
    );
  }
  throw new CannotRun('no worker was killed with a tile in flight');
}

/** Returns the exit status. */
function verdict(results: ChaosResult[]): number {
  if (results.length === 1) return isWhole(results[0]) ? 0 : 1;
  console.log(comparison(results));
  const [naive, lease] = results;
  if (!isWhole(lease)) return 1;
  // Workers died with tiles in flight, so if no tile is lost, this was not a naive queue.
  if (isWhole(naive)) throw new CannotRun('the naive queue lost nothing, so this proves nothing');
  return 0;
}

async function readImage(file: string): Promise<Uint8Array<ArrayBuffer>> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${file} cannot be read (${error.code})`, { cause: error });
  });
}

async function drawImage(): Promise<Uint8Array<ArrayBuffer>> {
  narrate('drawing an image');
  const { chaosSample } = await import('./sample.ts'); // Takes long to load, and other images do not need it.
  return chaosSample();
}

/** Returns the token for split: from the file, otherwise from the environment. */
async function readToken(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return process.env.TESSERA_TOKEN || undefined;
  return (await readImage(file)).toString().trim();
}

await runCommand(main, COULD_NOT_RUN);
