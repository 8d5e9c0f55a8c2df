// The options of `npm start` for the format of results: `--format`, and `--quality` of a JPEG.
import {
  DEFAULT_QUALITY,
  formatNames,
  readQuality,
  type ResultFormat,
} from '../functions/lib/image/format.ts';
import { oneOf, UsageError } from '../scripts/lib/options.ts';

/** The options for the command line parser. */
export const formatOptions = {
  format: { type: 'string' },
  quality: { type: 'string' },
} as const;

/** The lines for the help text. */
export const formatHelp = `  --format NAME     ${formatNames.join(', ')} (default png)
  --quality N       of jpeg: 1 to 100 (default ${DEFAULT_QUALITY})`;

/** Reads these options. Throws a {@link UsageError} for a value that is not allowed. */
export function readFormat({ format = 'png', quality }: { format?: string; quality?: string }): ResultFormat {
  const name = oneOf('format', format, formatNames);
  if (name === 'png') {
    if (quality !== undefined) throw new UsageError('--quality goes with --format jpeg');
    return { name };
  }
  const given = readQuality(quality ?? DEFAULT_QUALITY);
  if (given === null) throw new UsageError(`--quality is ${quality}; an integer from 1 to 100 is required`);
  return { name, quality: given };
}
