// The command line of `npm start`.
import type { Recipe } from '../functions/lib/filters/recipe.ts';
import { oneOf, parseOptions, wholeNumber } from '../scripts/lib/options.ts';
import { filterHelp, filterOptions, readRecipe } from './filter-options.ts';

export const HELP = `Blurs images on this machine: npm start -- [<file or folder>...] [options]

Without files it blurs what is in samples/, drawing some pictures there first if there are none.

  --out DIR       where results go, each in the folders of its input (default output)
${filterHelp}
  --tile T        tile size in pixels, 1 to 512 (default 256)
  --queue MODE    lease (loses nothing) or naive (the baseline that does) (default lease)
  --workers N     the most blur processes at a time, 1 to 64 (default NUM_WORKERS, or 4)
  --json          print the figures as JSON on the last line
  --help          this text

With TESSERA_TOKEN set, split asks its callers for that token, as it does on a cluster with AUTH_TOKEN.

It exits with 0 if every image was written, 1 if one was not, 2 if it was called wrongly.`;

export interface Options {
  paths: string[];
  out: string;
  recipe: Recipe;
  tile: number;
  queue: 'lease' | 'naive';
  workers: number;
  json: boolean;
}

/** Reads the command line; null when it asks for help. Throws a {@link UsageError} for what it cannot read. */
export function readOptions(argv: string[], env: NodeJS.ProcessEnv): Options | null {
  const { values, positionals } = parseOptions({
    args: argv,
    allowPositionals: true,
    options: {
      out: { type: 'string', default: 'output' },
      ...filterOptions,
      tile: { type: 'string', default: '256' },
      queue: { type: 'string', default: 'lease' },
      workers: { type: 'string', default: env.NUM_WORKERS ?? '4' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  return {
    paths: positionals,
    out: values.out,
    recipe: readRecipe(values),
    tile: wholeNumber('tile', values.tile, 1, 512),
    queue: oneOf('queue', values.queue, ['lease', 'naive']),
    workers: wholeNumber('workers', values.workers, 1, 64),
    json: values.json,
  };
}
