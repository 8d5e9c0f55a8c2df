// Takes in the stored inputs that a JSON request names, one image after another. A bad image is reported in
// its own entry and does not stop the others. One answer has limits; if images are left, its `next` is the
// request for them.
import type { Config } from '../lib/config.ts';
import { parametersOf, parseRecipe } from '../lib/filters/recipe.ts';
import { formatParameters, parseFormat } from '../lib/image/format.ts';
import { Problem, problemBody, type ProblemBody } from '../lib/errors.ts';
import type { ImageRecord } from '../lib/queue/image-record.ts';
import { redisProblem } from '../lib/redis/faults.ts';
import { outputNames } from '../lib/store/output-names.ts';
import type { Inputs, Listing } from '../lib/store/store.ts';
import type { Caller } from './callers.ts';
import type { Intake, TakeOptions } from './intake.ts';
import type { InputRequest } from './requests.ts';
import { acceptedView } from './status.ts';

/** Enough for most folders, and few enough to finish before a client or a gateway gives up. */
const LIMITS = { images: 1000, ms: 60_000, skipped: 100 };

export interface StoredInputsParts {
  config: Pick<Config, 'maxBodyBytes'>;
  inputs: Inputs;
  take: Intake['take'];
}

export interface InputsAnswer {
  images: (ReturnType<typeof acceptedView> | { name: string; status: 'refused'; error: ProblemBody })[];
  /** Files in the folder that were not accepted as images: all of them are counted, the first ones are listed. */
  skipped: { count: number; files: Listing['skipped'] };
  /** The request for the remaining images; null if there are none. */
  next: Record<string, string | number> | null;
}

export class StoredInputs {
  readonly #parts: StoredInputsParts;
  readonly #limits: typeof LIMITS;

  constructor(parts: StoredInputsParts, limits: Partial<typeof LIMITS> = {}) {
    this.#parts = parts;
    this.#limits = { ...LIMITS, ...limits };
  }

  /**
   * Takes in the images that `request` names for `caller`, until `gone` says that nobody waits for the
   * answer any more. Throws a Problem if nothing has that name, if it is a single file that is refused, or if
   * there is no room for even the first image.
   */
  async take(request: InputRequest, caller: Caller, gone: AbortSignal): Promise<InputsAnswer> {
    const { input, recipe, format, after } = request;
    const { names, skipped } = await this.#parts.inputs.list(input);
    const outputs = outputNames(names, names, parseRecipe(recipe).filter, parseFormat(format).name); // Of all names, because an output name depends on the others.
    const left = [...names.entries()].filter(([, name]) => name > after);
    const images: InputsAnswer['images'] = [];
    const startedAt = performance.now();
    const isLate = () => images.length > 0 && performance.now() - startedAt > this.#limits.ms;
    for (const [at, name] of left) {
      if (images.length >= this.#limits.images || isLate() || gone.aborted) break;
      try {
        images.push(
          acceptedView(await this.#takeOne(name, recipe, caller, { output: outputs[at], format, gone })),
        );
      } catch (thrown) {
        const error = redisProblem(thrown);
        if (!(error instanceof Problem)) throw error;
        const isForNow = error.code === 'queue-unavailable' || error.status === 429;
        if (name === input || (isForNow && images.length === 0)) throw error;
        if (isForNow) break;
        images.push({ name, status: 'refused', error: problemBody(error) });
      }
    }
    const last = images.at(-1)?.name ?? after;
    const next = {
      ...(input && { input }),
      ...parametersOf(recipe),
      ...formatParameters(format),
      ...(last && { after: last }),
    };
    return {
      images,
      skipped: { count: skipped.length, files: skipped.slice(0, this.#limits.skipped) },
      next: images.length < left.length ? next : null,
    };
  }

  async #takeOne(name: string, recipe: string, caller: Caller, options: TakeOptions): Promise<ImageRecord> {
    const { config, inputs, take } = this.#parts;
    const bytes = await inputs.read(name, config.maxBodyBytes);
    return take(name, recipe, bytes, caller, { ...options, isStored: true });
  }
}
