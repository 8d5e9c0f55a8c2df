// Turns the errors of the S3 client into problems that say in plain words what is wrong.
import { Problem } from '../errors.ts';

/** What the client's errors have in common, as far as it is used here. */
interface S3Error extends Error {
  code?: string;
  $metadata?: { httpStatusCode?: number };
}

/** The service refuses the credentials, or there are none. */
const CREDENTIALS = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidToken',
  'ExpiredToken',
  'ExpiredTokenException',
  'TokenRefreshRequired',
  'CredentialsProviderError',
]);
const OTHER_REGION = new Set([
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
]);
/** The codes of Node's errors about names and connections. */
const NETWORK =
  /^(E(CONN\w+|PIPE|NOTFOUND|AI_AGAIN|HOSTUNREACH|NETUNREACH|TIMEDOUT|PROTO)|ERR_(TLS|SSL)\w*|CERT_\w+|DEPTH_ZERO_\w+|\w*SELF_SIGNED\w*|UNABLE_TO_\w+)$/;

/**
 * Returns the Problem `storage-unavailable` for an error of the client, or the error itself if it is not
 * about the storage. The message contains no part of the credentials.
 */
export function s3Problem(error: unknown, bucket: string): unknown {
  if (!(error instanceof Error) || error instanceof Problem) return error;
  const reason = reasonOf(error, JSON.stringify(bucket));
  if (reason === null) return error;
  return new Problem('storage-unavailable', reason, { cause: error, retryAfterSeconds: 30 });
}

/** Returns whether a fault may end by itself: the service is busy, or cannot be reached. */
export function isTemporary(problem: unknown): boolean {
  const cause = problem instanceof Problem ? problem.cause : null;
  if (!(cause instanceof Error)) return false;
  const status = statusOf(cause);
  return status === undefined ? networkCodeOf(cause) !== null : status === 429 || status >= 500;
}

/**
 * Returns whether the service denies a request for good, for a reason that may be the object's own: its policy, or an encryption
 * whose key only its writer has.
 */
export function isDenied(problem: unknown): boolean {
  const cause = problem instanceof Problem ? problem.cause : null;
  if (!(cause instanceof Error) || CREDENTIALS.has(cause.name) || OTHER_REGION.has(cause.name)) return false;
  return [400, 403].includes(statusOf(cause) ?? 0);
}

function reasonOf(error: S3Error, bucket: string): string | null {
  const { name } = error;
  const status = statusOf(error);
  const networkCode = networkCodeOf(error);
  if (networkCode !== null) return `The storage of the bucket ${bucket} cannot be reached (${networkCode}).`;
  if (name === 'NoSuchBucket') return `There is no bucket ${bucket}.`;
  if (CREDENTIALS.has(name))
    return `The credentials for the bucket ${bucket} are missing or wrong (${name}).`;
  if (name === 'RequestTimeTooSkewed')
    return `The bucket ${bucket} refuses requests because this machine's clock is wrong (${name}).`;
  if (OTHER_REGION.has(name)) return `The bucket ${bucket} is in another region; set S3_REGION (${name}).`;
  if (error.message === 'Region is missing') return 'The region is not known; set S3_REGION.';
  if (status === undefined) return null;
  if (status === 403) return `Access to the bucket ${bucket} is denied (${name}).`;
  if (status === 429 || status >= 500) return `The storage of the bucket ${bucket} is busy (${name}).`;
  return `The storage of the bucket ${bucket} refuses the request (${name}).`;
}

function statusOf(error: S3Error): number | undefined {
  return error.$metadata?.httpStatusCode;
}

/** Returns the code of an error about the connection, or null if the service has replied. */
function networkCodeOf(error: S3Error): string | null {
  if (statusOf(error) !== undefined) return null;
  if (error.code !== undefined && NETWORK.test(error.code)) return error.code;
  if (error instanceof AggregateError) return networkCodeOf(error.errors[0] as S3Error);
  return ['TimeoutError', 'AbortError'].includes(error.name) ? 'TimeoutError' : null;
}
