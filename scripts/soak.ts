// `npm run soak`: thousands of tiles go through the pipeline while its processes are killed, in both queue
// modes. Prints a table of what was done and what was lost.
import { keepsPromises, type SoakResult } from '../chaos/soak-result.ts';
import { Soak } from '../chaos/soak-run.ts';
import { buildIfStale } from './build.ts';
import { oneOf, parseOptions, runCommand, wholeNumber } from './lib/options.ts';

const HELP = `Blurs many images while everything is killed: npm run soak -- [options]

  --tiles N      tiles in all, in images of 100 (default 10000)
  --kills N      workers killed while there is work (default 1000)
  --queue MODE   naive, lease or both (default both)
  --seed N       seed for the random deaths (default 1)
  --minutes N    the most each mode may take (default 20)
  --json         the figures as JSON on the last line
  --help         this text

It exits with 0 if the lease queue lost nothing and left at most 1 MiB in Redis, 1 if not, 2 if it could not run.`;

const MAX_RESIDUE_BYTES = 1024 * 1024;
const KIBIBYTE = 1024;

const rows: [label: string, cell: (result: SoakResult) => number | string][] = [
  ['images', ({ images }) => images],
  ['tiles', ({ tiles }) => tiles],
  ['workers killed (SIGKILL)', ({ workersKilled }) => workersKilled],
  ['workers stopped past their lease', ({ workersStopped }) => workersStopped],
  ['all connections cut', ({ connectionsCut }) => connectionsCut],
  ['Redis killed and restarted', ({ redisKilled }) => redisKilled],
  ['scripts flushed', ({ scriptsFlushed }) => scriptsFlushed],
  ['assemble killed', ({ assembleKilled }) => assembleKilled],
  ['split killed', ({ splitKilled }) => splitKilled],
  ['tiles lost', ({ tilesLost }) => tilesLost],
  ['images not written', ({ imagesNotDone }) => imagesNotDone],
  ['claims beyond one per tile', ({ attemptsBeyond }) => attemptsBeyond],
  ['leases that expired', ({ reclaims }) => reclaims],
  ['late acks refused', ({ fenced }) => fenced],
  ['seconds', ({ ms }) => Math.round(ms / 1000)],
  ['Redis memory left over, KiB', ({ residueBytes }) => Math.round(residueBytes / KIBIBYTE)],
];

function line(label: string, cells: (number | string)[]): string {
  return label.padEnd(34) + cells.map((cell) => String(cell).padStart(10)).join('');
}

function table(results: [mode: string, result: SoakResult][]): string {
  return [
    line(
      '',
      results.map(([mode]) => mode),
    ),
    ...rows.map(([label, cell]) =>
      line(
        label,
        results.map(([, result]) => cell(result)),
      ),
    ),
  ].join('\n');
}

async function main(): Promise<number> {
  const { values } = parseOptions({
    options: {
      tiles: { type: 'string', default: '10000' },
      kills: { type: 'string', default: '1000' },
      queue: { type: 'string', default: 'both' },
      seed: { type: 'string', default: '1' },
      minutes: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const queue = oneOf('queue', values.queue, ['naive', 'lease', 'both']);
  const options = {
    tiles: wholeNumber('tiles', values.tiles),
    kills: wholeNumber('kills', values.kills),
    seed: wholeNumber('seed', values.seed),
    deadlineMs: wholeNumber('minutes', values.minutes) * 60_000,
    onProgress: (text: string) => console.error(text),
  };
  await buildIfStale();
  const modes: ('naive' | 'lease')[] = queue === 'both' ? ['naive', 'lease'] : [queue];
  const results: [mode: string, result: SoakResult][] = [];
  for (const mode of modes) results.push([mode, await Soak.run({ ...options, mode })]);

  console.log(table(results));
  const lease = results.find(([mode]) => mode === 'lease')?.[1];
  for (const fault of lease?.faults ?? []) console.log(`fault: ${fault}`);
  if (values.json) console.log(JSON.stringify(Object.fromEntries(results)));
  return lease && !keepsPromises(lease, MAX_RESIDUE_BYTES) ? 1 : 0;
}

await runCommand(main, 2);
