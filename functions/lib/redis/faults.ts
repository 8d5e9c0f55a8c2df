// What a Redis fault means for a caller, for a worker that may try again, and for a connection.
import { Problem } from '../errors.ts';

/**
 * The first word of an error with which Redis refuses a command that it would accept at another time or from
 * another user.
 */
const refusals = [
  'BUSY', // A script is taking too long.
  'CLUSTERDOWN',
  'DENIED', // It is in protected mode.
  'LOADING',
  'MASTERDOWN', // It is a replica that has lost its primary.
  'MISCONF', // It cannot write to its disk.
  'NOAUTH',
  'NOPERM',
  'NOREPLICAS',
  'OOM', // It is at its memory limit.
  'READONLY', // It is a replica.
  'TRYAGAIN',
  'UNBLOCKED', // It became a replica while a command waited.
  'WRONGPASS',
] as const;

/** `UNKNOWN`: it does not know the command, because its administrator has renamed or removed it. */
export type Refusal = (typeof refusals)[number] | 'UNKNOWN';

const REFUSAL = new RegExp(`^(?:EXECABORT Transaction discarded because of: )?(${refusals.join('|')})\\b`);
/** How Redis before 7.2 reports a NOPERM inside a script. */
const NOPERM_IN_SCRIPT = /^ERR The user executing the script can't/;
/** A command of a caller, and one inside a script. */
const UNKNOWN = /^ERR (?:unknown command|Unknown Redis command called from script)\b/;
const UNREACHABLE =
  /Connection is closed|Command aborted|Stream isn't writeable|max retries|max number of clients|Socket timeout|\b(?:ECONN|EHOST|ENET|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT)/;

/**
 * Returns why Redis did not run a command: the refusal, or `unreachable`. Errors inside a transaction count.
 * Returns null for any other error: a fault of the command itself, or not from Redis.
 */
export function redisFault(error: unknown): Refusal | 'unreachable' | null {
  if (!(error instanceof Error) || error instanceof Problem) return null;
  const { code = '', previousErrors = [] } = error as { code?: string; previousErrors?: Error[] };
  for (const { message } of [error, ...previousErrors]) {
    const [, refusal] = REFUSAL.exec(message) ?? [];
    if (refusal) return refusal as Refusal;
    if (NOPERM_IN_SCRIPT.test(message)) return 'NOPERM';
    if (UNKNOWN.test(message)) return 'UNKNOWN';
  }
  return UNREACHABLE.test(`${error.message} ${code}`) ? 'unreachable' : null;
}

/** Returns whether Redis refused a command, or one inside a transaction, because it is at its memory limit. */
export function isOutOfMemory(error: unknown): boolean {
  return redisFault(error) === 'OOM';
}

/** Returns whether the server is, or has just become, a replica, so that the client must look for the primary. */
export function isFromReplica(error: unknown): boolean {
  return ['MASTERDOWN', 'READONLY', 'UNBLOCKED'].includes(redisFault(error) ?? '');
}

/** Returns the {@link Problem} that a Redis fault means for a caller, or `error` itself if it is not a Redis fault. */
export function redisProblem(error: unknown): unknown {
  const fault = redisFault(error);
  if (fault === null) return error;
  if (fault === 'OOM') {
    return new Problem('over-budget', 'Redis is at its memory limit.', {
      cause: error,
      retryAfterSeconds: 10,
    });
  }
  return redisUnavailable(error);
}

/** Returns the Problem for a caller while Redis cannot be used. */
export function redisUnavailable(cause?: unknown): Problem {
  return new Problem('queue-unavailable', 'Redis cannot be reached or refuses commands now.', {
    cause,
    retryAfterSeconds: 5,
  });
}
