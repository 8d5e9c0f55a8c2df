// `npm run dead-letters`: lists dead letters, requeues them, or drops their images.
import { Redis } from 'ioredis';
import { isImageId, parseJob } from '../functions/lib/job.ts';
import { DeadLetters, type DeadLetter } from '../functions/lib/queue/dead-letters.ts';
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
/** For what Redis does not know any more, because the record of the image has expired. */
const EXPIRED = '(expired)';

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
    const letters: DeadLetter[] = [];
    for await (const letter of deadLetters.newestFirst(fits)) letters.unshift(letter);
    const dropped = new Set<string>();
    for (const letter of letters) {
      const { record, at, reason } = letter;
      let what = reason ?? EXPIRED;
      if (command === 'requeue') what = await deadLetters.requeue(letter.letter);
      if (command === 'drop') {
        if (!dropped.has(letter.imageId)) what = await deadLetters.drop(letter);
        else what = 'dropped'; // With another letter of its image.
        if (what === 'dropped') dropped.add(letter.imageId);
      }
      console.log([letter.letter, record?.name ?? EXPIRED, new Date(at).toISOString(), what].join('\t'));
    }
    console.error(`${letters.length} dead letters`);
    return letters.length > 0 || command === 'list' ? 0 : 1;
  } finally {
    redis.disconnect();
  }
}

await runCommand(() => main(process.argv.slice(2)), 2);
