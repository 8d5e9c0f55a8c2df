// What the chaos demonstration prints at the end of one run, and of two.
import type { ChaosResult } from './run.ts';

/** Returns whether nothing was lost. */
export function isWhole({ missing, isOutputPresent }: ChaosResult): boolean {
  return missing.length === 0 && isOutputPresent;
}

/** Returns the missing tiles, if any, and the summary line. `kills`: how many were requested. */
export function summary(result: ChaosResult, kills: number): string {
  const { queue, leases, delayed, outbox } = result.counts;
  const counts = {
    queue: result.queue,
    expected: result.expected,
    processed: result.processed,
    jobs_in_queue: queue,
    results_in_queue: outbox,
    in_flight: leases + delayed,
    missing: result.missing.length,
    output: result.isOutputPresent ? 'present' : 'absent',
  };
  return [
    ...(result.kills.length < kills
      ? [`the image was over after ${result.kills.length} of ${kills} kills`]
      : []),
    ...(result.missing.length > 0 ? [`missing tiles: ${result.missing.join(' ')}`] : []),
    Object.entries(counts)
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
  ].join('\n');
}

/** Returns the two modes side by side. */
export function comparison(results: ChaosResult[]): string {
  const rows: [string, (result: ChaosResult) => string | number][] = [
    ['', ({ queue }) => queue],
    ['tiles in flight when killed', ({ kills }) => kills.reduce((sum, { inFlight }) => sum + inFlight, 0)],
    ['output', ({ isOutputPresent }) => (isOutputPresent ? 'present' : 'absent')],
    ['ms', ({ ms }) => ms],
    ['tiles missing', ({ missing }) => missing.length],
  ];
  return ['', ...rows.map(([label, cell]) => line(label, results.map(cell)))].join('\n');
}

function line(label: string, cells: (string | number)[]): string {
  return label.padEnd(27) + cells.map((cell) => String(cell).padStart(9)).join('');
}
