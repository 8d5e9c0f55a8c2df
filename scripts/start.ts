// `npm start`: blurs images end to end on this machine. A private Redis, the three functions as processes, images sent
// over HTTP, blur scaled from zero; nothing is left running.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Recipe } from '../functions/lib/filters/recipe.ts';
import type { FilterName } from '../functions/lib/filters/registry.ts';
import type { SkippedFile } from '../functions/lib/store/find-images.ts';
import { makeFolder } from '../functions/lib/store/make-folder.ts';
import { printable } from '../functions/lib/store/names.ts';
import { buildIfStale } from './build.ts';
import { findInputs, skippedLines, type RunImage, type RunInputs } from '../local/inputs.ts';
import { HELP, readOptions, type Options } from '../local/options.ts';
import { Pipeline } from '../local/pipeline.ts';
import { Progress } from '../local/progress.ts';
import { blurFiles, type ImageResult } from '../local/run.ts';
import { drawSamples } from '../local/samples.ts';
import { runCommand, UsageError } from './lib/options.ts';

const INTERRUPTED = 130;

/** The images of the run; the samples when none are named. Throws a {@link UsageError} when there is none. */
async function findImages(paths: string[], filter: FilterName): Promise<RunInputs> {
  if (paths.length === 0) return findSamples(filter);
  const inputs = await findInputs(paths, filter).catch((error: Error) => {
    throw new UsageError(error.message, { cause: error });
  });
  if (inputs.images.length > 0) return inputs;
  const nothing = `There is no PNG or JPEG file in ${paths.map(printable).join(', ')}`;
  throw new UsageError([nothing, ...skippedLines(inputs.skipped)].join('\n'));
}

async function findSamples(filter: FilterName): Promise<RunInputs> {
  const inputs = existsSync('samples') ? await findInputs(['samples'], filter) : null;
  return inputs?.images.length ? inputs : findInputs(await drawSamples('samples'), filter);
}

/** Makes the output folder, and one in it for results on their way to their places. */
async function makeFolders(out: string): Promise<string> {
  try {
    await makeFolder(out);
    return await mkdtemp(join(out, '.tessera-'));
  } catch (error) {
    throw new UsageError(`--out ${out} cannot be written: ${(error as Error).message}`, { cause: error });
  }
}

function summary(
  images: ImageResult[],
  skipped: SkippedFile[],
  { filter, values }: Recipe,
  ms: number,
  outDir: string,
): string {
  const sum = (of: 'tiles' | 'done') => images.reduce((total, image) => total + image[of], 0);
  const lines = images.map(({ input, state, width, height, tiles, ms, output, error }) =>
    output
      ? `  ${printable(input)} → ${printable(output)}  ${width}x${height}  ${tiles} tiles  ${ms} ms`
      : `  ${printable(input)}  ${state}: ${error}`,
  );
  const recipe = [filter, ...Object.entries(values).map(([name, value]) => `${name} ${value}`)].join(', ');
  const written = images.filter(({ output }) => output !== null).length;
  return [
    '',
    ...lines,
    ...skippedLines(skipped),
    `${written} of ${images.length} images written to ${outDir}: ${sum('done')} of ${sum('tiles')} tiles, ${recipe}, ${ms} ms in all`,
  ].join('\n');
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env);
  if (!options) {
    console.log(HELP);
    return 0;
  }
  const { images: found, skipped } = await findImages(options.paths, options.recipe.filter);
  const stagingDir = await makeFolders(options.out);
  try {
    return await blur(options, found, skipped, stagingDir);
  } finally {
    await rm(stagingDir, { recursive: true, force: true });
  }
}

/** Blurs the images that were found, tells what became of them and returns the exit status. */
async function blur(
  options: Options,
  found: RunImage[],
  skipped: SkippedFile[],
  stagingDir: string,
): Promise<number> {
  await buildIfStale();

  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  // With --json, standard output is for the figures.
  const progress = new Progress(options.json ? process.stderr : process.stdout);
  const startedAt = performance.now();
  const pipeline = await Pipeline.start({
    env: {
      STORE: 'file',
      OUTPUT_PATH: stagingDir,
      TILE_SIZE: String(options.tile),
      QUEUE_MODE: options.queue,
      // The images are the user's own: limits against strangers would only be in the way.
      CLIENT_SHARE: '1',
      PIXELS_PER_BYTE: '1000000000',
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
      recipe: options.recipe,
      pipeline,
      images: found,
      stagingDir,
      outDir: options.out,
      progress,
      signal: interrupted.signal,
    });
    const ms = Math.round(performance.now() - startedAt);
    const expected = images.reduce((total, { tiles }) => total + tiles, 0);
    const processed = images.reduce((total, { done }) => total + done, 0);
    const report = summary(images, skipped, options.recipe, ms, options.out);
    if (options.json) {
      console.error(report);
      console.log(
        JSON.stringify({ images, skipped, expected, processed, missing: expected - processed, ms }),
      );
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

await runCommand(main, 1);
