// `tessera --serve`: keeps the pipeline running on this machine, for curl, scripts/run.sh and
// scripts/watch.sh.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { basename } from 'node:path';
import { findAccessToken, parseAccessTokens } from '../functions/lib/access-tokens.ts';
import { formatRecipe } from '../functions/lib/filters/recipe.ts';
import { isTracingOn } from '../functions/lib/tracing/settings.ts';
import { imageId } from '../functions/split/image-id.ts';
import { CommandError } from '../scripts/lib/options.ts';
import { logPrinter } from './log-lines.ts';
import { openBrowser } from './open-browser.ts';
import type { Options } from './options.ts';
import { Pipeline } from './pipeline.ts';
import { ServeFolder } from './serve-state.ts';
import { localSettings, type LocalSettings } from './settings.ts';
import { StatusLine } from './status-line.ts';
import type { StopRequest } from './stop-request.ts';

/** How long idle workers stay, so that they can be seen. */
const COOLDOWN_MS = 5000;
const POLL_MS = 200;
/** The signals that end it normally. */
const ORDERLY = new Set([128 + 2, 128 + 15]);

/**
 * Keeps the pipeline running until `stop` is aborted, and returns the exit status. Throws if a part of it has
 * ended.
 */
export async function serveCommand(options: Options, port: number, stop: AbortSignal): Promise<number> {
  const store = process.env.STORE || 'redis';
  const settings = localSettings(options, process.env, { STORE: store });
  await assertFree(port);
  const folder = await ServeFolder.make();
  const line = new StatusLine();
  const print = logPrinter((text) => line.keep(text), process.env, process.stdout.isTTY);
  let pipeline: Pipeline | null = null;
  let isOrderly = false;
  try {
    pipeline = await Pipeline.start({
      ...settings,
      splitPort: port,
      maxWorkers: options.workers,
      cooldownMs: COOLDOWN_MS,
      pollMs: POLL_MS,
      onPoll: (state) => line.scaler(state),
      onLog: (name, text) => pipeline && !stop.aborted && print(name, text),
      signal: stop,
    });
    const { splitUrl, redisServer, keyPrefix } = pipeline;
    const { drawSamples } = await import('./samples.ts'); // Only here, because it loads the codecs.
    const [sample] = await drawSamples(folder.path, 1);
    await folder.tell({ pid: process.pid, url: splitUrl, redis: redisServer.url, keyPrefix });
    line.keep(await greeting(splitUrl, sample, formatRecipe(options.recipe), settings));
    if (options.open && !(await openBrowser(splitUrl)))
      line.keep(`No browser could be opened here; open ${splitUrl} yourself.`);
    line.follow(pipeline);
    const failure = await Promise.race([pipeline.failed, untilAborted(stop)]);
    isOrderly = failure === null && (store !== 'redis' || isTracingOn(settings.env, () => {}));
    if (failure) throw new CommandError(failure.message, { cause: failure });
    const { exitStatus } = stop.reason as StopRequest;
    return ORDERLY.has(exitStatus) ? 0 : exitStatus;
  } finally {
    line.close();
    // Results in files and buckets are completed, and traces sent. Results in Redis are lost when it ends.
    await (isOrderly ? pipeline?.stop() : pipeline?.kill());
    await folder.close();
  }
}

/** Returns where it is, and commands to try. */
async function greeting(
  url: string,
  sample: string,
  recipe: string,
  settings: LocalSettings,
): Promise<string> {
  const name = basename(sample);
  const id = await imageId({ name, recipe, owner: ownerOf(settings) }, await readFile(sample));
  const curl = settings.accessToken === undefined ? 'curl' : 'curl -H "Authorization: Bearer $TESSERA_TOKEN"';
  return [
    `Tessera is up: ${url}`,
    'Open this address in a browser, or use curl:',
    '',
    `  ${curl} --data-binary @${quoted(sample)} '${url}/?name=${name}'`,
    `  ${curl} ${url}/images/${id}`,
    `  ${curl} --fail --retry 9 --retry-all-errors --output dunes_blurred.png ${url}/images/${id}/result`,
    '',
    'scripts/run.sh FILE... and scripts/watch.sh find it by themselves. Ctrl-C ends it, with the results that are in it.',
  ].join('\n');
}

/** Returns the owner of images sent with the access token; null if images have no owner. */
function ownerOf({ env, authToken, accessToken }: LocalSettings): string | null {
  if (env.OWN_IMAGES_ONLY !== 'on' || authToken === undefined || accessToken === undefined) return null;
  return findAccessToken(parseAccessTokens(authToken), accessToken)?.name ?? null;
}

function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

async function assertFree(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${code})`;
    throw new CommandError(`port ${port} ${why}; --port names another`, { cause: error });
  }
  server.close();
  await once(server, 'close');
}

async function untilAborted(signal: AbortSignal): Promise<null> {
  if (!signal.aborted) await once(signal, 'abort');
  return null;
}
