// One run: sends images, fetches the results, and returns the outcome of each image. It always ends, whatever goes wrong.
import { basename } from 'node:path';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Recipe } from '../functions/lib/filters/recipe.ts';
import { ImageReader } from '../functions/lib/queue/image-reader.ts';
import { formatParameters, formatText, type ResultFormat } from '../functions/lib/image/format.ts';
import { printable } from '../functions/lib/store/names.ts';
import { statusView } from '../functions/split/status.ts';
import { isReady } from './function-process.ts';
import { notTaken, resultOf, type ImageResult } from './image-result.ts';
import { ImageWatch } from './image-watch.ts';
import type { RunImage } from './inputs.ts';
import { untilNothingMoves } from './movement.ts';
import { orAborted } from './or-aborted.ts';
import type { OutputFolder } from './output-folder.ts';
import { PatientClient } from './patient-client.ts';
import type { Pipeline } from './pipeline.ts';
import { readImage } from './read-image.ts';
import { Room } from './room.ts';
import { SplitClient, type ImageStatus } from './split-client.ts';

/** Images in progress at the same time: enough that no process waits for the next one. split accepts as many uploads. */
const IMAGES_AT_ONCE = 8;
/** The files of all images in progress together, in bytes. The runner and split hold a file while it is sent. */
const FILES_AT_ONCE_BYTES = 64 * 1024 * 1024;
const STATUS_EVERY_MS = 50;
/** The run ends after this many results in a row that could not be written. */
const UNWRITTEN_IN_A_ROW = 3;
/** The longest time without any change. The tile of a dead worker continues after its lease. */
const STUCK_AFTER_MS = 10_000;
const PROBE_MS = 500;

/** Shows the state of a run. */
export interface RunView {
  /** Updates an image in progress. */
  image(at: number, news: { name: string; tiles: number; done: number; state: string }): void;
  /** An image is over. */
  finished(at: number, result: ImageResult): void;
}

export interface RunOptions {
  recipe: Recipe;
  format: ResultFormat;
  pipeline: Pipeline;
  images: RunImage[];
  output: OutputFolder;
  leaseMs: number;
  view: RunView;
  /** Ends the run. */
  signal: AbortSignal;
}

export interface RunOutcome {
  /** The outcomes of the images, in order. */
  results: ImageResult[];
  /** Why the run ended before all images were finished, or null. */
  endedBy: string | null;
}

/** Blurs `images` over HTTP. */
export async function blurFiles(options: RunOptions): Promise<RunOutcome> {
  return new Run(options).run();
}

/** The result could not be moved to its place. */
class Unwritten extends Error {}

class Run {
  readonly #options: RunOptions;
  readonly #over = new AbortController();
  readonly #client: PatientClient;
  /** Reads statuses from the pipeline's own Redis: that is much faster than a request, and leaves split to its other work. */
  readonly #statusReader: ImageReader;
  readonly #files = new Room(FILES_AT_ONCE_BYTES);
  readonly #results: ImageResult[] = [];
  /** The statuses of the images in progress. */
  readonly #statuses = new Map<number, ImageStatus>();
  #endedBy: string | null = null;
  #unwritten = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    const { splitUrl, accessToken, redis, keyPrefix } = options.pipeline;
    this.#statusReader = new ImageReader(redis, keyPrefix);
    this.#client = new PatientClient(new SplitClient(splitUrl, accessToken), this.#over.signal);
  }

  async run(): Promise<RunOutcome> {
    const { pipeline, images, leaseMs, signal } = this.#options;
    const interrupt = () => this.#end('interrupted');
    if (signal.aborted) interrupt();
    signal.addEventListener('abort', interrupt);
    void pipeline.failed.then(({ message }) => this.#end(message));
    const watching = this.#watch(Math.max(STUCK_AFTER_MS, 2 * leaseMs));
    const waiting = images.entries();
    const takeInTurn = async () => {
      for (const [at, image] of waiting) {
        const bytes = await sizeOf(image);
        await this.#files.take(bytes);
        await this.#blur(at, image);
        this.#files.giveBack(bytes);
      }
    };
    await Promise.all(Array.from({ length: IMAGES_AT_ONCE }, takeInTurn));
    const endedBy = this.#endedBy;
    signal.removeEventListener('abort', interrupt);
    this.#over.abort();
    await watching;
    return { results: this.#results, endedBy };
  }

  #end(reason: string): void {
    this.#endedBy ??= reason;
    this.#over.abort();
  }

  async #watch(limitMs: number): Promise<void> {
    const { signal } = this.#over;
    await untilNothingMoves(() => this.#look(), limitMs, signal);
    if (signal.aborted) return;
    const { refusal } = this.#client;
    const because = refusal === null ? '' : `; split refuses images: ${refusal}`;
    this.#end(`nothing has moved for ${Math.round(limitMs / 1000)} s${because}`);
  }

  /** Returns everything that changes while the run makes progress. */
  async #look(): Promise<string> {
    const { pipeline, output } = this.#options;
    if (!(await output.isThere())) this.#end(`--out ${output.path} was removed`);
    const { queue, leases, delayed, outbox } = pipeline.scaler.state ?? {};
    const statuses = [...this.#statuses].map(([at, { status, done }]) => [at, status, done]);
    // A large picture may take long to decode. Meanwhile a healthy split still answers.
    const isDecoding = this.#client.isReading && (await isReady(pipeline.splitUrl, PROBE_MS));
    const bytes = await output.bytesInProgress();
    return JSON.stringify([queue, leases, delayed, outbox, statuses, bytes, isDecoding && Date.now()]);
  }

  /** Blurs one image; stores and shows its outcome. */
  async #blur(at: number, image: RunImage): Promise<void> {
    if (this.#endedBy !== null) {
      this.#results[at] = notTaken(image, 'not started', this.#endedBy);
      return;
    }
    const startedAt = performance.now();
    const elapsedMs = () => Math.round(performance.now() - startedAt);
    const result = await this.#take(at, image, elapsedMs).catch((error: Error) =>
      this.#unfinished(at, image, error, elapsedMs()),
    );
    if (result.output !== null) this.#unwritten = 0;
    this.#statuses.delete(at);
    this.#results[at] = result;
    this.#options.view.finished(at, result);
  }

  async #take(at: number, image: RunImage, elapsedMs: () => number): Promise<ImageResult> {
    const { output, recipe, format } = this.#options;
    this.#show(at, image, { tiles: 0, done: 0, status: 'splitting' });
    const { id } = await this.#client.upload(image.name, await readImage(image.path), {
      filter: recipe.filter,
      ...recipe.values,
      ...formatParameters(formatText(format)),
    });
    const status = await this.#untilOver(at, image, id);
    if (status.status !== 'done' || status.output === null) return resultOf(status, image, null, elapsedMs());
    try {
      const path = await output.place(basename(status.output), image.output);
      return resultOf(status, image, path, elapsedMs());
    } catch (error) {
      throw await this.#unwrittenBecause((error as Error).message);
    }
  }

  /** Returns the result of an image that ended with an error, or with the run. */
  #unfinished(at: number, image: RunImage, error: Error, ms: number): ImageResult {
    const status = this.#statuses.get(at);
    if (error instanceof Unwritten || this.#endedBy === null) {
      if (!status) return notTaken(image, 'refused', error.message, ms);
      return { ...resultOf(status, image, null, ms), state: 'failed', error: error.message };
    }
    if (!status) return notTaken(image, 'unfinished', this.#endedBy, ms);
    const reason = status.error ?? this.#endedBy;
    return { ...resultOf(status, image, null, ms), state: 'unfinished', error: reason };
  }

  async #untilOver(at: number, image: RunImage, id: string): Promise<ImageStatus> {
    const { pipeline } = this.#options;
    const watch = new ImageWatch();
    for (;;) {
      const record = await orAborted(this.#statusReader.record(id), this.#over.signal);
      if (record === null) throw new Error('its record is gone');
      const status = statusView(record, [], null);
      this.#statuses.set(at, status);
      this.#show(at, image, status);
      const verdict = watch.judge(status, pipeline.pendingAtLastPoll);
      if (verdict === 'over') return status;
      if (verdict === 'lost') {
        return { ...status, status: 'incomplete', error: `${status.tiles - status.done} tiles were lost` };
      }
      if (verdict === 'unwritten') {
        await this.#client.cancel(id);
        throw await this.#unwrittenBecause(status.error ?? '');
      }
      await sleep(STATUS_EVERY_MS, undefined, { signal: this.#over.signal });
    }
  }

  /** Records that a result could not be written. If no result can be written any more, the run ends. */
  async #unwrittenBecause(reason: string): Promise<Unwritten> {
    const { output } = this.#options;
    const fault = await output.fault();
    this.#unwritten++;
    if (fault !== null) this.#end(fault);
    else if (this.#unwritten >= UNWRITTEN_IN_A_ROW) {
      this.#end(`${this.#unwritten} results in a row could not be written to ${output.path}`);
    }
    return new Unwritten(reason);
  }

  #show(
    at: number,
    { input }: RunImage,
    { tiles, done, status }: Pick<ImageStatus, 'tiles' | 'done' | 'status'>,
  ) {
    this.#options.view.image(at, { name: printable(input), tiles, done, state: status });
  }
}

/** Returns the bytes of an image's file, or 0 if it cannot be read, which is reported when it is read. */
async function sizeOf({ path }: RunImage): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
