// The program of scripts/watch.sh: takes samples repeatedly, and prints a line when something has changed, or
// a screen each time.
import { setTimeout as sleep } from 'node:timers/promises';
import { findServe } from '../local/serve-state.ts';
import { parseOptions, runCommand, wholeNumber } from './lib/options.ts';
import { lookAtCluster, lookLocally, type Look, type Sample, type Source } from './watch-sources.ts';

const columns: [title: string, width: number, cell: (sample: Sample) => string][] = [
  ['QUEUE', 6, ({ queue }) => String(queue)],
  ['LEASES', 7, ({ leases }) => String(leases)],
  ['DELAYED', 8, ({ delayed }) => String(delayed)],
  ['OUTBOX', 7, ({ outbox }) => String(outbox)],
  ['DEAD', 5, ({ dead }) => String(dead)],
  ['SPLIT', 6, ({ splitReady }) => String(splitReady)],
  ['BLUR', 7, ({ blurReady, blurDesired }) => `${blurReady}/${blurDesired}`],
  ['ASSEMBLE', 9, ({ assembleReady, assembleDesired }) => `${assembleReady}/${assembleDesired}`],
  ['DONE', 6, ({ done }) => String(done)],
  ['FAILED', 6, ({ failed }) => String(failed)],
  ['CANCELLED', 9, ({ cancelled }) => String(cancelled)],
  ['IN PROGRESS', 11, ({ inProgress }) => String(inProgress)],
];

const header =
  'TIME    ' +
  columns.map(([title, width]) => title.padStart(width)).join(' ') +
  '\n(pods: ready/wanted; the last four: the newest 1000 images by state)';

const asLine = (sample: Sample): string =>
  columns.map(([, width, cell]) => cell(sample).padStart(width)).join(' ');

const clock = (): string => new Date().toTimeString().slice(0, 8);

const bar = (count: number): string => '█'.repeat(Math.min(count, 60)) + (count > 60 ? '…' : '');

const row = (title: string, count: number, text = String(count)): string =>
  `  ${title.padEnd(11)} ${text.padStart(7)}  ${bar(count)}`;

/** Returns bars for reading at a glance. */
function asScreen(sample: Sample): string {
  return [
    `Tessera at ${clock()}`,
    '',
    row('queue', sample.queue),
    row('leases', sample.leases),
    row('delayed', sample.delayed),
    row('outbox', sample.outbox),
    row('dead', sample.dead),
    '',
    row('split', sample.splitReady),
    row('blur', sample.blurReady, `${sample.blurReady}/${sample.blurDesired}`),
    row('assemble', sample.assembleReady, `${sample.assembleReady}/${sample.assembleDesired}`),
    '',
    row('done', sample.done),
    row('failed', sample.failed),
    row('cancelled', sample.cancelled),
    row('in progress', sample.inProgress),
  ].join('\n');
}

interface WatchOptions {
  look: Look;
  isLive: boolean;
  intervalMs: number;
  /** When to stop, ms since the epoch; Infinity for never. */
  until: number;
}

/**
 * Watches until it is stopped. The first sample must succeed; if a later one fails, that is shown and
 * watching continues.
 */
async function watch({ look, isLive, intervalMs, until }: WatchOptions): Promise<void> {
  let shown = asLine(await look());
  if (!isLive) console.log(`${header}\n${clock()} ${shown}`);
  while (Date.now() < until) {
    const result = await look().then(
      (sample) => ({ line: asLine(sample), screen: asScreen(sample) }),
      (error: Error) => ({
        line: `no answer: ${firstLine(error)}`,
        screen: `no answer: ${firstLine(error)}`,
      }),
    );
    // Moves the cursor home and clears line by line instead of the whole screen, to avoid flicker.
    if (isLive) process.stdout.write(`\u001B[H${result.screen.replaceAll('\n', '\u001B[K\n')}\u001B[J\n`);
    else if (result.line !== shown) console.log(`${clock()} ${result.line}`);
    shown = result.line;
    await sleep(Math.min(intervalMs, Math.max(0, until - Date.now())));
  }
}

const firstLine = ({ message }: Error): string => message.split('\n').slice(0, 2).join(' ');

type WatchedBy = ReturnType<typeof readOptions>;

function readOptions() {
  return parseOptions({
    options: {
      redis: { type: 'string', default: process.env.REDIS_URL || undefined },
      cluster: { type: 'boolean', default: false },
      namespace: { type: 'string', default: process.env.TESSERA_NAMESPACE || undefined },
      'key-prefix': { type: 'string', default: process.env.KEY_PREFIX || undefined },
      live: { type: 'boolean', default: false },
      interval: { type: 'string' },
      seconds: { type: 'string' },
    },
  }).values;
}

/**
 * Returns the Redis to watch without a cluster: the given one, otherwise that of `npm start -- --serve`, if
 * it is up.
 */
async function findRedis({ redis, cluster, namespace, 'key-prefix': keyPrefix }: WatchedBy) {
  if (cluster) return null;
  if (redis !== undefined) return { redis, keyPrefix };
  return namespace === undefined ? findServe() : null;
}

async function main(): Promise<number> {
  const options = readOptions();
  const here = await findRedis(options);
  const keyPrefix = here?.keyPrefix ?? options['key-prefix'] ?? 'image';
  const intervalMs = wholeNumber('interval', options.interval ?? (here ? '200' : '1000'));
  const until = options.seconds ? Date.now() + wholeNumber('seconds', options.seconds) * 1000 : Infinity;
  process.on('SIGINT', () => process.exit(0));
  let source: Source | undefined;
  try {
    source = here
      ? await lookLocally(here.redis, keyPrefix)
      : await lookAtCluster(options.namespace ?? 'tessera', keyPrefix);
    await watch({ look: source.look, isLive: options.live, intervalMs, until });
    return 0;
  } catch (error) {
    console.error(`error: nothing to watch: ${firstLine(error as Error)}`);
    return 2;
  } finally {
    source?.close();
  }
}

await runCommand(main, 2);
