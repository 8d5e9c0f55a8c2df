// `npm start`: blurs images end to end on this machine. A private Redis, the three functions as processes, images sent
// over HTTP, blur scaled from zero; nothing is left running.
import { existsSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { isKernelSize } from '../functions/lib/kernel-size.ts';
import { buildIfStale } from './build.ts';
import { Pipeline } from '../local/pipeline.ts';
import { Progress } from '../local/progress.ts';
import { blurFiles, type ImageResult } from '../local/run.ts';
import { drawSamples } from '../local/samples.ts';

const HELP = `Blurs images on this machine: npm start -- [<file or folder>...] [options]

Without files it blurs what is in samples/, drawing some pictures there first if there are none.

  --out DIR       where <name>_blurred.png goes (default output)
  --kernel K      kernel size, an odd number from 1 to 255 (default 15)
  --tile T        tile size in pixels, 1 to 512 (default 256)
  --queue MODE    lease (loses nothing) or naive (the baseline that does) (default lease)
  --workers N     the most blur processes at a time, 1 to 64 (default NUM_WORKERS, or 4)
  --json          print the figures as JSON on the last line
  --help          this text

With TESSERA_TOKEN set, split asks its callers for that token, as it does on a cluster with AUTH_TOKEN.

It exits with 0 if every image was written, 1 if one was not, 2 if it was called wrongly.`;

const IMAGE_FILE = /\.(png|jpe?g)$/i;
const INTERRUPTED = 130;

interface Options {
  paths: string[];
  out: string;
  kernel: number;
  tile: number;
  queue: 'lease' | 'naive';
  workers: number;
  json: boolean;
}

class UsageError extends Error {}

/** Reads the command line; null when it asks for help. Throws a {@link UsageError} for what it cannot read. */
function readOptions(argv: string[], env: NodeJS.ProcessEnv): Options | null {
  let parsed;
  try {
    parsed = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        out: { type: 'string', default: 'output' },
        kernel: { type: 'string', default: '15' },
        tile: { type: 'string', default: '256' },
        queue: { type: 'string', default: 'lease' },
        workers: { type: 'string', default: env.NUM_WORKERS ?? '4' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
  const { values, positionals } = parsed;
  if (values.help) return null;
  const integer = (name: 'tile' | 'workers', min: number, max: number) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new UsageError(`--${name} is ${values[name]}; a whole number from ${min} to ${max} is wanted`);
  };
  const kernel = Number(values.kernel);
  if (!isKernelSize(kernel)) {
    throw new UsageError(`--kernel is ${values.kernel}; an odd number from 1 to 255 is wanted`);
  }
  const { queue } = values;
  if (queue !== 'lease' && queue !== 'naive')
    throw new UsageError(`--queue is ${queue}; lease or naive is wanted`);
  return {
    paths: positionals,
    out: values.out,
    kernel,
    tile: integer('tile', 1, 512),
    queue,
    workers: integer('workers', 1, 64),
    json: values.json,
  };
}

/** The image files among `paths`, folders searched through; the samples when none are named. */
async function findFiles(paths: string[]): Promise<string[]> {
  if (paths.length === 0) {
    const samples = existsSync('samples') ? await imagesIn('samples') : [];
    return samples.length > 0 ? samples : drawSamples('samples');
  }
  const found: string[] = [];
  for (const path of paths) {
    if (!existsSync(path)) throw new UsageError(`There is no ${path}`);
    // A file named outright is sent whatever it is called: what it holds decides.
    if ((await stat(path)).isDirectory()) found.push(...(await imagesIn(path)));
    else found.push(path);
  }
  if (found.length === 0) throw new UsageError(`There is no PNG or JPEG file in ${paths.join(', ')}`);
  return found;
}

async function imagesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names
    .filter((name) => IMAGE_FILE.test(name))
    .sort()
    .map((name) => join(folder, name));
}

function summary(images: ImageResult[], kernel: number, ms: number, outDir: string): string {
  const sum = (of: 'tiles' | 'done') => images.reduce((total, image) => total + image[of], 0);
  const lines = images.map(({ name, state, width, height, tiles, ms, output, error }) =>
    output
      ? `  ${name}  ${width}x${height}  ${tiles} tiles  ${ms} ms  ${relative('.', output)}`
      : `  ${name}  ${state}: ${error}`,
  );
  const written = images.filter(({ output }) => output !== null).length;
  return [
    '',
    ...lines,
    `${written} of ${images.length} images blurred into ${outDir}: ${sum('done')} of ${sum('tiles')} tiles, kernel ${kernel}, ${ms} ms in all`,
  ].join('\n');
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env);
  if (!options) {
    console.log(HELP);
    return 0;
  }
  const files = await findFiles(options.paths);
  await mkdir(options.out, { recursive: true });
  await buildIfStale();

  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  // With --json, standard output is for the figures.
  const progress = new Progress(options.json ? process.stderr : process.stdout);
  const startedAt = performance.now();
  const pipeline = await Pipeline.start({
    env: {
      STORE: 'file',
      OUTPUT_PATH: options.out,
      KERNEL_SIZE: String(options.kernel),
      TILE_SIZE: String(options.tile),
      QUEUE_MODE: options.queue,
      LOG_LEVEL: 'error',
    },
    accessToken: process.env.TESSERA_TOKEN || undefined,
    maxWorkers: options.workers,
    onPoll: (state) => progress.scaler(state),
    onLog: (_name, text) => interrupted.signal.aborted || console.error(text),
  });
  try {
    if (!options.json) console.log(`redis: ${pipeline.redisServer.url}\nsplit: ${pipeline.splitUrl}`);
    const images = await blurFiles({
      pipeline,
      files,
      outDir: options.out,
      progress,
      signal: interrupted.signal,
    });
    const ms = Math.round(performance.now() - startedAt);
    const expected = images.reduce((total, { tiles }) => total + tiles, 0);
    const processed = images.reduce((total, { done }) => total + done, 0);
    const report = summary(images, options.kernel, ms, options.out);
    if (options.json) {
      console.error(report);
      console.log(JSON.stringify({ images, expected, processed, missing: expected - processed, ms }));
    } else {
      console.log(report);
    }
    return images.every(({ output }) => output !== null) ? 0 : 1;
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    console.error('Interrupted');
    return INTERRUPTED;
  } finally {
    await pipeline.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${HELP}` : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
