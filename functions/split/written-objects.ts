// Takes in the objects that an event says were written. An object that cannot become an image is reported and logged, and the
// sender does not repeat the event. After a temporary fault it does; objects that were accepted before stay accepted.
import type { Config } from '../lib/config.ts';
import { Problem, problemBody, type ProblemBody } from '../lib/errors.ts';
import { parseRecipe } from '../lib/filters/recipe.ts';
import { parseFormat } from '../lib/image/format.ts';
import { labelOf } from '../lib/image/label.ts';
import type { Log } from '../lib/log.ts';
import { redisProblem } from '../lib/redis/faults.ts';
import { objectNaming, type NameObject } from '../lib/store/object-names.ts';
import { loneOutputName } from '../lib/store/output-names.ts';
import type { Inputs } from '../lib/store/store.ts';
import type { WrittenObject } from './bucket-events.ts';
import type { Caller } from './callers.ts';
import type { Intake } from './intake.ts';
import { RESULT_OF, treatmentFor } from './object-rules.ts';
import { readObject } from './read-object.ts';
import { acceptedView } from './status.ts';
import { assertIsOn } from './switches.ts';

type Settings = Pick<
  Config,
  'store' | 'inputPath' | 'outputPath' | 'storedInputs' | 'maxBodyBytes' | 'kernelSize' | 'inputRules'
>;

export interface WrittenObjectsParts {
  config: Settings;
  inputs: Inputs;
  take: Intake['take'];
  log: Log;
}

type Accepted = ReturnType<typeof acceptedView>;
type Refused = { name: string; status: 'refused'; error: ProblemBody };
type Ignored = { key: string; reason: string };

export interface ObjectsAnswer {
  images: (Accepted | Refused)[];
  ignored: Ignored[];
}

export class WrittenObjects {
  readonly #parts: WrittenObjectsParts;
  readonly #nameOf: NameObject | null;

  constructor(parts: WrittenObjectsParts) {
    this.#parts = parts;
    this.#nameOf = objectNaming(parts.config);
  }

  /**
   * Takes in the objects for `caller`, one after another. Throws a Problem if the sender has to send the event again, or if
   * events are switched off here.
   */
  async take(objects: WrittenObject[], caller: Caller, gone: AbortSignal): Promise<ObjectsAnswer> {
    assertIsOn(this.#parts.config.storedInputs, 'Blurring stored images');
    if (this.#nameOf === null) {
      throw new Problem('switched-off', 'Events about buckets need STORE=s3 or STORE=file.');
    }
    const answer: ObjectsAnswer = { images: [], ignored: [] };
    const unavailable: Problem[] = [];
    for (const object of objects) {
      try {
        await this.#takeOne(object, this.#nameOf, caller, gone, answer);
      } catch (error) {
        if (!isUnavailable(error) || gone.aborted) throw error;
        unavailable.push(error); // Perhaps only this object is.
      }
    }
    if (unavailable.length > 0) throw unavailable[0];
    return answer;
  }

  async #takeOne(
    object: WrittenObject,
    nameOf: NameObject,
    caller: Caller,
    gone: AbortSignal,
    answer: ObjectsAnswer,
  ): Promise<void> {
    const [key] = object.keys;
    const ignore = (reason: string) => {
      answer.ignored.push({ key, reason });
      this.#parts.log.info('An event about an object was ignored', { bucket: object.bucket, key, reason });
    };
    const named = nameOf(object.bucket, key);
    if ('fault' in named) return ignore(`it ${named.fault}`);
    if (object.sizeBytes === 0) return ignore('it is empty');
    if (object.metadata !== null && RESULT_OF in object.metadata) return ignore('it is a result');
    try {
      const taken = await this.#takeNamed(object, nameOf, caller, gone);
      if (typeof taken === 'string') ignore(taken);
      else answer.images.push(taken);
    } catch (thrown) {
      const error = redisProblem(thrown);
      if (!(error instanceof Problem) || isTemporary(error)) throw error;
      if (error.code === 'not-found') return ignore('it is not there any more');
      answer.images.push({ name: named.name, status: 'refused', error: problemBody(error) });
      const about = { bucket: object.bucket, key, code: error.code, reason: error.message };
      this.#parts.log.warn('The image that an event names was refused', about);
    }
  }

  /** Returns the accepted image, or why the object is ignored. */
  async #takeNamed(
    object: WrittenObject,
    nameOf: NameObject,
    caller: Caller,
    gone: AbortSignal,
  ): Promise<Accepted | string> {
    const { config, inputs, take } = this.#parts;
    const { name, bytes, ...stored } = await readObject(object, nameOf, inputs, config.maxBodyBytes);
    if (labelOf(bytes) !== null) return 'it is a result';
    // The event may be about an older version with other metadata, so it only counts where nothing is stored with the bytes.
    const metadata = stored.metadata ?? object.metadata ?? {};
    const { recipe, format } = treatmentFor(name, metadata, config.inputRules, { kernel: config.kernelSize });
    const output = loneOutputName(name, parseRecipe(recipe).filter, parseFormat(format).name);
    return acceptedView(await take(name, recipe, bytes, caller, { isStored: true, format, output, gone }));
  }
}

function isUnavailable(error: unknown): error is Problem {
  return error instanceof Problem && error.code === 'storage-unavailable';
}

/** Whether the same event may be accepted later. */
function isTemporary({ status }: Problem): boolean {
  return status === 429 || status === 503;
}
