// `tessera photo.png`: blurs images end to end on this machine. It uses a private Redis, the three functions
// as processes, and HTTP; blur scales from zero. It leaves nothing running.
import { existsSync } from 'node:fs';
import { printable } from '../functions/lib/store/names.ts';
import { isTracingOn } from '../functions/lib/tracing/settings.ts';
import { CommandError, UsageError } from '../scripts/lib/options.ts';
import { findInputs, skippedLines, type RunInputs } from './inputs.ts';
import { logPrinter } from './log-lines.ts';
import type { Options } from './options.ts';
import { OutputFolder } from './output-folder.ts';
import { Pipeline } from './pipeline.ts';
import { Progress } from './progress.ts';
import { jsonReport, textReport } from './report.ts';
import { blurFiles } from './run.ts';
import { localSettings } from './settings.ts';
import type { StopRequest } from './stop-request.ts';

/** Blurs the images of `options` and returns the exit status. `stop` ends it early. */
export async function blurCommand(options: Options, stop: AbortSignal): Promise<number> {
  // First check the command line.
  const settings = localSettings(options, process.env, { STORE: 'file' });
  const { images, skipped } = await findImages(options);
  const output = await OutputFolder.open(options.out);
  // With --json, standard output is only for the figures.
  const out = options.json ? process.stderr : process.stdout;
  const progress = new Progress(out, images.length);
  const print = logPrinter((line) => progress.log(line), process.env, out.isTTY);
  const startedAt = performance.now();
  let pipeline: Pipeline | null = null;
  let isStoppedInOrder = false;
  try {
    pipeline = await Pipeline.start({
      ...settings,
      env: { ...settings.env, OUTPUT_PATH: output.staging },
      maxWorkers: options.workers,
      onPoll: (state) => progress.scaler(state),
      // The error of a function that cannot start contains its last line.
      onLog: (name, line) => pipeline && !stop.aborted && print(name, line),
      signal: stop,
    });
    progress.log(`redis: ${pipeline.redisServer.url}\nsplit: ${pipeline.splitUrl}`);
    const leaseMs = Number(settings.env.LEASE_MS);
    const outcome = await blurFiles({
      recipe: options.recipe,
      format: options.format,
      pipeline,
      images,
      output,
      leaseMs,
      view: progress,
      signal: stop,
    });
    progress.close();
    // Functions send their last spans when they are stopped in order.
    isStoppedInOrder = outcome.endedBy === null && isTracingOn(settings.env, () => {});
    const ms = Math.round(performance.now() - startedAt);
    const report = { ...outcome, skipped, recipe: options.recipe, out: options.out, ms };
    out.write(`${textReport(report)}\n`);
    if (options.json) process.stdout.write(`${jsonReport(report)}\n`);
    if (stop.aborted) return (stop.reason as StopRequest).exitStatus;
    return outcome.results.every((result) => result.output !== null) ? 0 : 1;
  } finally {
    progress.close();
    await (isStoppedInOrder ? pipeline?.stop() : pipeline?.kill());
    await output.close();
  }
}

/** Returns the images of the run; the samples if none are given. Throws a {@link UsageError} if there are none. */
async function findImages({ paths, recipe, format }: Options): Promise<RunInputs> {
  const find = (given: string[]) => findInputs(given, recipe.filter, format.name);
  if (paths.length === 0) return findSamples(find);
  const inputs = await find(paths).catch((error: Error) => {
    throw new UsageError(error.message, { cause: error });
  });
  if (inputs.images.length > 0) return inputs;
  const nothing = `There is no PNG or JPEG file in ${paths.map(printable).join(', ')}`;
  throw new UsageError([nothing, ...skippedLines(inputs.skipped)].join('\n'));
}

async function findSamples(find: (paths: string[]) => Promise<RunInputs>): Promise<RunInputs> {
  const inputs = existsSync('samples') ? await find(['samples']) : null;
  if (inputs?.images.length) return inputs;
  console.error('Drawing pictures into samples/');
  const { drawSamples } = await import('./samples.ts'); // Only here, because it loads the codecs.
  const paths = await drawSamples('samples').catch((error: Error) => {
    throw new CommandError(`samples/ cannot be drawn: ${error.message}`, { cause: error });
  });
  return find(paths);
}
