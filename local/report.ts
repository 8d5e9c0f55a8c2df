// The report at the end of a run.
import type { Recipe } from '../functions/lib/filters/recipe.ts';
import { printable } from '../functions/lib/store/names.ts';
import type { SkippedFile } from '../functions/lib/store/find-images.ts';
import type { ImageResult } from './image-result.ts';
import { skippedLines } from './inputs.ts';
import { rate } from './progress-lines.ts';
import type { RunOutcome } from './run.ts';

/** How many unwritten images are listed again. */
const NAMED = 20;

export interface Report extends RunOutcome {
  skipped: SkippedFile[];
  recipe: Recipe;
  out: string;
  ms: number;
}

/** The figures of a run, for a program. */
export function jsonReport({ results, skipped, ms, endedBy }: Report): string {
  const { expected, processed, megapixels } = totals(results);
  return JSON.stringify({
    images: results,
    skipped,
    expected,
    processed,
    missing: expected - processed,
    megapixels: Number(megapixels.toFixed(3)),
    megapixelsPerS: Number(rate(megapixels, ms)),
    ms,
    endedBy,
  });
}

/** Returns the same for a person. Finished images were reported before. */
export function textReport({ results, skipped, recipe, out, ms, endedBy }: Report): string {
  const { written, expected, processed, megapixels } = totals(results);
  const pace = `${megapixels.toFixed(1)} Mpx, ${rate(megapixels, ms)} Mpx/s`;
  return [
    ...skippedLines(skipped),
    ...unwrittenLines(results),
    ...(endedBy === null ? [] : [`ended early: ${endedBy}`]),
    `${written} of ${results.length} images written to ${printable(out)}: ${processed} of ${expected} tiles, ${pace}, ${wordsOf(recipe)}, ${ms} ms in all`,
  ].join('\n');
}

/** Returns the names of the images without a result, if so many images were sent that some have left the screen. */
function unwrittenLines(results: ImageResult[]): string[] {
  const unwritten = results.filter((result) => !isWritten(result) && isStarted(result));
  const notStarted = results.filter((result) => !isStarted(result)).length;
  const names = unwritten.slice(0, NAMED).map(({ input }) => printable(input));
  const more = unwritten.length > NAMED ? ` and ${unwritten.length - NAMED} more` : '';
  return [
    ...(unwritten.length > 0 && results.length > NAMED
      ? [`${unwritten.length} not written: ${names.join(', ')}${more}`]
      : []),
    ...(notStarted > 0 ? [`${notStarted} not started`] : []),
  ];
}

function totals(results: ImageResult[]) {
  const sum = (of: (result: ImageResult) => number) => results.reduce((total, each) => total + of(each), 0);
  return {
    written: results.filter(isWritten).length,
    expected: sum(({ tiles }) => tiles),
    processed: sum(({ done }) => done),
    megapixels: sum((each) => (isWritten(each) ? (each.width ?? 0) * (each.height ?? 0) : 0)) / 1e6,
  };
}

function isWritten({ output }: ImageResult): boolean {
  return output !== null;
}

function isStarted({ state }: ImageResult): boolean {
  return state !== 'not started';
}

/** `blur, kernel 15`. */
function wordsOf({ filter, values }: Recipe): string {
  return [filter, ...Object.entries(values).map(([name, value]) => `${name} ${value}`)].join(', ');
}
