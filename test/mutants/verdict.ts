// The result of a run of all planted faults.
import type { Mutant } from './mutant.ts';

/** The share of faults that must be caught. */
export const MIN_SHARE = 0.95;

export interface Outcome {
  mutant: Mutant;
  /** The test that caught it, null if it survived. */
  caughtBy: string | null;
}

export interface Verdict {
  line: string;
  isGood: boolean;
}

/** Counts and judges. A run without any fault proves nothing and counts as failed. */
export function judge(outcomes: Outcome[]): Verdict {
  const caught = outcomes.filter(({ caughtBy }) => caughtBy !== null).length;
  const share = outcomes.length === 0 ? 0 : caught / outcomes.length;
  const percent = (Math.floor(share * 1000) / 10).toFixed(1);
  return {
    line: `mutants=${outcomes.length} caught=${caught} survived=${outcomes.length - caught} share=${percent}%`,
    isGood: share >= MIN_SHARE,
  };
}

/** Returns one line of the table. */
export function row({ mutant, caughtBy }: Outcome): string {
  const columns = [caughtBy === null ? 'SURVIVED' : 'caught', mutant.file, mutant.name];
  const widths = [8, 16, 62];
  return `${columns.map((column, at) => column.padEnd(widths[at])).join('  ')}  ${caughtBy ?? mutant.why}`;
}
