// Every error that a caller can get, each with a stable code and an HTTP status. `problemBody` is the
// response (RFC 9457); cause and stack are only logged.

/** The codes that callers may rely on, each with its HTTP status. */
export const problems = {
  'invalid-request': { status: 400, title: 'The request is malformed' },
  'invalid-kernel': { status: 400, title: 'The kernel size is not an odd integer from 1 to 255' },
  'invalid-filter': { status: 400, title: 'The filter or one of its parameters is not allowed' },
  'invalid-format': { status: 400, title: 'The format of the result or its quality is not allowed' },
  'invalid-name': { status: 400, title: 'The name is not allowed' },
  'invalid-event': { status: 400, title: 'The event is malformed' },
  unauthorized: { status: 401, title: 'A token is needed' },
  'cross-site': { status: 403, title: 'Pages of other sites may not do this' },
  'switched-off': { status: 403, title: 'This is switched off here' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'request-timeout': { status: 408, title: 'The request arrived too slowly' },
  conflict: { status: 409, title: 'The image is not in a state that allows this' },
  'not-retryable': { status: 409, title: 'There is nothing to try again' },
  replaced: { status: 410, title: 'The result was replaced by another' },
  'result-gone': { status: 410, title: 'The result is gone' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'image-too-large': { status: 413, title: 'The image is too large' },
  'unsupported-encoding': { status: 415, title: 'Compressed request bodies are not accepted' },
  'unsupported-image': { status: 415, title: 'Only PNG and JPEG images are accepted' },
  'unsupported-event': { status: 415, title: 'The content is not a CloudEvent' },
  'expectation-failed': { status: 417, title: 'The expectation cannot be met' },
  'unreadable-file': { status: 422, title: 'The file cannot be read' },
  'invalid-image': { status: 422, title: 'The image cannot be decoded' },
  'unprocessable-event': { status: 422, title: 'The event names nothing that can be assembled' },
  'over-share': { status: 429, title: 'No room for another image of this caller now' },
  'over-budget': { status: 429, title: 'No room for another image now' },
  'too-many-uploads': { status: 429, title: 'Too many uploads at once' },
  'too-many-waits': { status: 429, title: 'Too many requests wait at once' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  internal: { status: 500, title: 'Something went wrong here' },
  'not-ready': { status: 503, title: 'Not ready' },
  'storage-unavailable': { status: 503, title: 'The storage cannot be used now' },
  'queue-unavailable': { status: 503, title: 'The queue cannot be reached now' },
} as const;

export type ProblemCode = keyof typeof problems;

/** A fault with a response for the caller. `message` is shown to the caller; `cause` is not. */
export class Problem extends Error {
  readonly code: ProblemCode;
  /** Seconds after which a retry may succeed, sent as `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ProblemCode,
    message: string,
    options: { cause?: unknown; retryAfterSeconds?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'Problem';
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status(): number {
    return problems[this.code].status;
  }
}

/** An RFC 9457 problem document. */
export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  code: ProblemCode;
  detail: string;
}

/** The most bytes of a problem document, whatever part of a request its message repeats. */
export const MAX_PROBLEM_BYTES = 1000;

/**
 * Returns the problem document for `error`, with at most {@link MAX_PROBLEM_BYTES}; a longer detail is cut.
 * Any error that is not a {@link Problem} becomes `internal`, without details.
 */
export function problemBody(error: unknown): ProblemBody {
  const code = error instanceof Problem ? error.code : 'internal';
  const detail = error instanceof Problem ? error.message : 'The fault was logged.';
  const body = { type: `urn:tessera:problem:${code}`, ...problems[code], code, detail: '' };
  const room = MAX_PROBLEM_BYTES - 1 - jsonBytes(body); // The document is followed by a line end.
  return { ...body, detail: shortened(detail, room) };
}

/** Returns `text` if it takes at most `maxBytes` inside a JSON string, otherwise as much as fits, with an ellipsis. */
function shortened(text: string, maxBytes: number): string {
  const ellipsis = '…';
  let bytes = 0;
  let kept = '';
  let keptIfCut = '';
  for (const character of text) {
    bytes += jsonBytes(character) - 2;
    if (bytes > maxBytes) return keptIfCut + ellipsis;
    kept += character;
    if (bytes <= maxBytes - Buffer.byteLength(ellipsis)) keptIfCut = kept;
  }
  return kept;
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
