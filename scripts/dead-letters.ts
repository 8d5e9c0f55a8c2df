// `npm run dead-letters`: lists dead letters, requeues them, or drops their images.
import { Redis } from 'ioredis';
import type { Config } from '../functions/lib/config.ts';
import { isImageId, parseJob, type Job } from '../functions/lib/job.ts';
import { ImageLedger } from '../functions/lib/queue/image-ledger.ts';
import { imageKeys, queueKeys } from '../functions/lib/queue/keys.ts';
import { CommandError, parseOptions, runCommand, UsageError } from './lib/options.ts';
import { readSettings } from './lib/settings.ts';

const HELP = `Dead letters: tiles after MAX_ATTEMPTS, and images after MAX_ANNOUNCEMENTS:
npm run dead-letters -- <command> [<what>]

  list [<what>]     one line each: job or image id, image name, time, reason
  requeue <what>    tiles get all their attempts again; images are announced again
  drop <what>       abandon their images; everything but the record is freed

<what> is a job (<image id>:<tile>), an image id, or --all. REDIS_URL and KEY_PREFIX choose the deployment.

It exits with 0 if that was done, 1 if nothing matched, 2 if it was called wrongly or Redis failed.`;

/** After this time without a reply, Redis counts as unreachable. */
const SILENCE_MS = 5000;

interface DeadLetter {
  /** A job, or the id of an image whose event was given up. */
  letter: string;
  imageId: string;
  name: string;
  reason: string;
  /** When it became a dead letter, ms since the epoch. */
  at: number;
}

/** The dead letters of one deployment. */
class DeadLetters {
  readonly #redis: Redis;
  readonly #keyPrefix: string;
  readonly #ledger: ImageLedger;
  readonly #dropped = new Set<string>();

  constructor(redis: Redis, config: Config) {
    this.#redis = redis;
    this.#keyPrefix = config.keyPrefix;
    this.#ledger = new ImageLedger(redis, config);
  }

  /** Returns the dead letters that match, oldest first. An image whose record has expired has no name any more. */
  async list(fits: (letter: string) => boolean): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    for (const [letter, at] of await this.#entries()) {
      const job = parseJob(letter);
      if ((!job && !isImageId(letter)) || !fits(letter)) continue;
      const imageId = job?.imageId ?? letter;
      const record = await this.#ledger.record(imageId);
      const reason = job ? await this.#reasonOf(job) : record?.error;
      letters.push({ letter, imageId, name: record?.name ?? '(expired)', reason: reason ?? '(expired)', at });
    }
    return letters;
  }

  /** Requeues a dead letter. Returns `gone` if its image is over; then it is no longer a dead letter either. */
  async requeue({ letter }: DeadLetter): Promise<string> {
    return this.#ledger.requeue(letter);
  }

  /** Drops the image, with all its dead letters. */
  async drop({ letter, imageId }: DeadLetter): Promise<string> {
    if ((await this.#ledger.drop(imageId)) === 'dropped') this.#dropped.add(imageId);
    if (this.#dropped.has(imageId)) return 'dropped';
    await this.#redis.zrem(queueKeys(this.#keyPrefix).dead, letter); // Its image is over; only the letter may be left.
    return 'gone';
  }

  async #reasonOf({ imageId, tile }: Job): Promise<string | null> {
    return this.#redis.hget(imageKeys(this.#keyPrefix, imageId).dead, String(tile));
  }

  /** Returns the letters with their times in ms, read a few hundred at a time. */
  async #entries(): Promise<[letter: string, at: number][]> {
    const STEP = 500;
    const { dead } = queueKeys(this.#keyPrefix);
    const entries: [string, number][] = [];
    for (let first = 0; ; first += STEP) {
      const found = await this.#redis.zrange(dead, `${first}`, `${first + STEP - 1}`, 'WITHSCORES');
      for (let at = 0; at < found.length; at += 2) entries.push([found[at], Number(found[at + 1])]);
      if (found.length < 2 * STEP) return entries;
    }
  }
}

/**
 * Returns a function that selects the letters meant by the words after the command. Throws a {@link
 * UsageError} if the words are not valid.
 */
function readWhat(word: string | undefined, isAll: boolean): (letter: string) => boolean {
  if (isAll && word === undefined) return () => true;
  if (isAll) throw new UsageError('Either --all or a job or an image id is required, not both');
  if (word !== undefined && parseJob(word)) return (letter) => letter === word;
  if (word !== undefined && isImageId(word)) return (letter) => letter.split(':')[0] === word;
  throw new UsageError(
    `${word ?? 'Nothing'} is neither a job (<image id>:<tile>), nor an image id, nor --all`,
  );
}

async function main(argv: string[]): Promise<number> {
  const { values, positionals } = parseOptions({
    args: argv,
    allowPositionals: true,
    options: { all: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const [command, word, ...rest] = positionals;
  if (!['list', 'requeue', 'drop'].includes(command) || rest.length > 0) {
    throw new UsageError('One of list, requeue, drop is required, and at most one job or image id');
  }
  const fits = readWhat(word, values.all || (command === 'list' && word === undefined));

  const config = readSettings(process.env);
  const redis = new Redis(config.redisUrl, {
    connectTimeout: SILENCE_MS,
    socketTimeout: SILENCE_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    lazyConnect: true,
    disableClientInfo: true,
  });
  // The reason of a connection fault is in this event, not in the rejection.
  let fault: Error | undefined;
  redis.on('error', (error) => (fault = error));
  try {
    await redis.connect().catch((error: Error) => {
      const { message } = fault ?? error;
      throw new CommandError(`Redis cannot be reached: ${message}`, { cause: error });
    });
    const deadLetters = new DeadLetters(redis, config);
    const letters = await deadLetters.list(fits);
    for (const letter of letters) {
      const what =
        command === 'list'
          ? null
          : await (command === 'drop' ? deadLetters.drop(letter) : deadLetters.requeue(letter));
      const { name, at, reason } = letter;
      console.log([letter.letter, name, new Date(at).toISOString(), what ?? reason].join('\t'));
    }
    console.error(`${letters.length} dead letters`);
    return letters.length > 0 || command === 'list' ? 0 : 1;
  } finally {
    redis.disconnect();
  }
}

await runCommand(() => main(process.argv.slice(2)), 2);
