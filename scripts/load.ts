// `npm run load`: more images than the pipeline can take, for a minute, on this machine alone, and a table of what became
// of them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runLoad, type LoadResult } from '../chaos/load.ts';
import type { Answers } from '../chaos/load-traffic.ts';
import { Pipeline } from '../local/pipeline.ts';
import { buildIfStale } from './build.ts';
import { oneOf, parseOptions, runCommand, wholeNumber } from './lib/options.ts';

const HELP = `Sends split more than the pipeline can take: npm run load -- [options]

  --seconds N    how long (default 60)
  --factor N     how many times what it can take (default 5)
  --side N       side of the square PNGs, in pixels (default 700)
  --budget MB    REDIS_BUDGET_BYTES, in megabytes (default 64)
  --store NAME   file or redis (default redis)
  --workers N    most blur processes (default 2)
  --json         the figures as JSON on the last line
  --help         this text

It exits with 0 if every accepted image was done, everything else was refused with 429 (99 % in under 200 ms), 99 % of the
status requests were answered in under 500 ms and every probe within 100 ms, and Redis stayed within its budget; 1 if not, 2 if
it could not run.`;

const MAX_REFUSAL_MS = 200;
const MAX_STATUS_MS = 500;
const MAX_PROBE_MS = 100;
const MEGABYTE = 1e6;

/** What was promised, each with whether it held. */
function promises(result: LoadResult): [promise: string, holds: boolean][] {
  const { notDone, accepted, refused, status, probes, others, redisPeakBytes, budgetBytes } = result;
  return [
    ['some images were accepted and some refused', accepted.count > 0 && refused.count > 0],
    ['every accepted image was done', notDone === 0],
    ['no other answers, and none missing', Object.keys(others).length === 0],
    [`99 % of the refusals within ${MAX_REFUSAL_MS} ms`, refused.p99 < MAX_REFUSAL_MS],
    [`99 % of the status answers within ${MAX_STATUS_MS} ms`, status.p99 < MAX_STATUS_MS],
    [`every probe within ${MAX_PROBE_MS} ms`, probes.count > 0 && probes.longest <= MAX_PROBE_MS],
    ['Redis within its budget', redisPeakBytes <= budgetBytes],
  ];
}

const ms = (value: number): string => `${value.toFixed(0)} ms`;

const answers = ({ count, p50, p99, longest }: Answers): string =>
  `${String(count).padStart(6)}   median ${ms(p50)}, 99 % ${ms(p99)}, longest ${ms(longest)}`;

function report(result: LoadResult): string {
  return [
    `can take        ${result.capacity.toFixed(1)} images/s`,
    `sent            ${result.sent.toFixed(1)} of ${result.aim.toFixed(1)} images/s`,
    `accepted      ${answers(result.accepted)}`,
    `refused (429) ${answers(result.refused)}`,
    `status        ${answers(result.status)}`,
    `probes        ${answers(result.probes)}`,
    `other answers   ${JSON.stringify(result.others)}`,
    `done            ${result.done} of ${result.done + result.notDone} accepted`,
    `Redis           ${(result.redisPeakBytes / MEGABYTE).toFixed(1)} of ${(result.budgetBytes / MEGABYTE).toFixed(0)} MB`,
    '',
    ...promises(result).map(([promise, holds]) => `${holds ? 'held  ' : 'BROKEN'}  ${promise}`),
  ].join('\n');
}

function readOptions() {
  const { values } = parseOptions({
    options: {
      seconds: { type: 'string', default: '60' },
      factor: { type: 'string', default: '5' },
      side: { type: 'string', default: '700' },
      budget: { type: 'string', default: '64' },
      workers: { type: 'string', default: '2' },
      store: { type: 'string', default: 'redis' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    seconds: wholeNumber('seconds', values.seconds),
    factor: wholeNumber('factor', values.factor),
    sidePx: wholeNumber('side', values.side),
    budgetBytes: wholeNumber('budget', values.budget) * MEGABYTE,
    workers: wholeNumber('workers', values.workers),
    store: oneOf('store', values.store, ['file', 'redis']),
    json: values.json,
    help: values.help,
  };
}

async function main(): Promise<number> {
  const { budgetBytes, workers, store, json, help, ...options } = readOptions();
  if (help) {
    console.log(HELP);
    return 0;
  }
  await buildIfStale();
  const folder = await mkdtemp(join(tmpdir(), 'tessera-load-'));
  const pipeline = await Pipeline.start({
    env: {
      STORE: store,
      OUTPUT_PATH: folder,
      REDIS_BUDGET_BYTES: String(budgetBytes),
      CLIENT_SHARE: '1', // All of the load comes from one address.
      LOG_LEVEL: 'error',
    },
    maxWorkers: workers,
    onLog: (_name, line) => console.error(line),
  });
  try {
    const result = await runLoad(pipeline, budgetBytes, options);
    console.log(report(result));
    if (json) console.log(JSON.stringify(result));
    return promises(result).every(([, holds]) => holds) ? 0 : 1;
  } finally {
    await pipeline.stop();
    await rm(folder, { recursive: true });
  }
}

await runCommand(main, 2);
