// The command line of `tessera` and `npm start`.
import { availableParallelism } from 'node:os';
import type { Recipe } from '../functions/lib/filters/recipe.ts';
import { DEFAULT_FILTER } from '../functions/lib/filters/registry.ts';
import type { ResultFormat } from '../functions/lib/image/format.ts';
import { oneOf, parseOptions, UsageError, wholeNumber } from '../scripts/lib/options.ts';
import { formatHelp, formatOptions, readFormat } from './format-options.ts';
import { filterHelp, filterOptions, readRecipe } from './filter-options.ts';

export const HELP = `Blurs images on this machine.

  tessera [<file or folder>...] [options]            or, in a clone: npm start -- [...]
  tessera --serve [--open] [--port N] [options]

Without files it blurs what is in samples/. If that folder is empty, it draws some pictures there first.

  -o, --out DIR     where results go, each in the folders of its input (default output)
${filterHelp}
${formatHelp}
  --tile T          tile size in pixels, 1 to 512 (default TILE_SIZE, or 512)
  --queue MODE      lease (loses nothing) or naive (the baseline that does) (default QUEUE_MODE, or lease)
  --workers N       the most blur processes at a time, 1 to 64 (default NUM_WORKERS, or one for each core)
  --json            print the figures as JSON on the last line, with each input and its output
  --serve           keep the pipeline up for curl until Ctrl-C; blur scales from zero and back
  --open            with --serve: opens its page in the browser
  --port N          where --serve listens on 127.0.0.1 (default PORT, or 8080)
  -h, --help        this text
  -v, --version     the version

The settings of docs/DEPLOY.md are taken from the environment, for example MAX_PIXELS=100000000. Ignored are
REDIS_URL, K_SINK, ASSEMBLE_URL, HOST and METRICS_PORT, and without --serve also STORE and OUTPUT_PATH. With
TESSERA_TOKEN set, split asks its callers for that token, as it does on a cluster with AUTH_TOKEN.

Exit status: 0 if every image was written, 1 if one was not, 2 if it was called wrongly or --out cannot be written,
130 after Ctrl-C.`;

export interface Options {
  paths: string[];
  out: string;
  recipe: Recipe;
  format: ResultFormat;
  tile: number;
  queue: 'lease' | 'naive';
  workers: number;
  json: boolean;
  /** The port to serve on; null to blur `paths` and end. */
  port: number | null;
  /** Whether to open the page of what is served. */
  open: boolean;
}

const names = {
  out: { type: 'string', short: 'o' },
  ...filterOptions,
  ...formatOptions,
  tile: { type: 'string' },
  queue: { type: 'string' },
  workers: { type: 'string' },
  json: { type: 'boolean', default: false },
  serve: { type: 'boolean', default: false },
  port: { type: 'string' },
  open: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

const MOST_WORKERS = 64;
/** Twice a cluster's default. A batch has enough tiles in any case, and fewer tiles cost less in every process. */
const TILE_SIZE_PX = 512;

/** Options that npm knows too. */
const SHARED_WITH_NPM = new Set(['json', 'help', 'version']);

/** Returns the options of a command line, or `help` or `version` if it asks for that. Throws a {@link UsageError} if it is invalid. */
export function readOptions(argv: string[], env: NodeJS.ProcessEnv): Options | 'help' | 'version' {
  const { values, positionals } = parseOptions({ args: argv, allowPositionals: true, options: names });
  if (values.help) return 'help';
  if (values.version) return 'version';
  assertNotTakenByNpm(env);
  const { serve, json, open } = values;
  const recipe = readRecipe(values, env);
  const format = readFormat(values);
  if (!serve && values.port !== undefined) throw new UsageError('--port goes with --serve');
  if (!serve && open) throw new UsageError('--open goes with --serve');
  if (serve && positionals.length > 0) throw new UsageError('--serve takes no files; send them with curl');
  if (serve && recipe.filter !== DEFAULT_FILTER)
    throw new UsageError('--filter goes with files; with --serve each request names its own');
  if (serve && values.format !== undefined)
    throw new UsageError('--format goes with files; with --serve each request names its own');
  if (serve && json) throw new UsageError('--json goes with files, not with --serve');
  if (serve && values.out !== undefined) throw new UsageError('--out goes with files, not with --serve');
  if (values.out === '') throw new UsageError('--out is empty; a folder is required');
  /** The option, or else the setting, by its own name for messages. */
  const given = (
    option: 'tile' | 'queue' | 'workers' | 'port',
    setting: string,
    fallback: string,
  ): [name: string, text: string] => {
    const text = values[option];
    return text === undefined ? [setting, env[setting] || fallback] : [option, text];
  };
  return {
    paths: positionals,
    out: values.out ?? 'output',
    recipe,
    format,
    tile: wholeNumber(...given('tile', 'TILE_SIZE', String(TILE_SIZE_PX)), 1, 512),
    queue: oneOf(...given('queue', 'QUEUE_MODE', 'lease'), ['lease', 'naive']),
    workers: wholeNumber(...given('workers', 'NUM_WORKERS', String(coresForWorkers())), 1, MOST_WORKERS),
    json,
    port: serve ? wholeNumber(...given('port', 'PORT', '8080'), 0, 65_535) : null,
    open,
  };
}

/** Two workers on one core are still worth it: while one waits for Redis, the other one blurs. */
function coresForWorkers(): number {
  return Math.min(Math.max(2, availableParallelism()), MOST_WORKERS);
}

/** `npm start photo.png --kernel 21`: without a `--` npm takes the option for its own, and only the environment shows it. */
function assertNotTakenByNpm(env: NodeJS.ProcessEnv): void {
  if (env.npm_lifecycle_event !== 'start') return;
  for (const name of Object.keys(names)) {
    if (SHARED_WITH_NPM.has(name) || env[`npm_config_${name}`] === undefined) continue;
    throw new UsageError(`npm took --${name} for itself; put -- first: npm start -- --${name} ...`);
  }
}
