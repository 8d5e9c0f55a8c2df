// The body of a request, from the wire into one piece of memory: refused by its headers where they tell enough, and read
// within limits of size and time.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Problem } from '../errors.ts';
import { freeBytes } from '../image/pixels.ts';
import { Pace, type PaceLimit } from './pace.ts';

const TICK_MS = 1000;

export interface BodyLimits {
  maxBytes: number;
  pace: PaceLimit;
}

/** Throws a {@link Problem} for a body that cannot be taken, as far as its headers tell. */
export function assertAcceptable(headers: IncomingHttpHeaders, maxBytes: number): void {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new Problem('unsupported-encoding', `The body is encoded as ${JSON.stringify(encoding)}.`);
  }
  if (Number(headers['content-length']) > maxBytes) throw tooLarge(maxBytes);
}

/**
 * Reads the body whole. Memory for a body that declared its length is reserved at once, but the system provides it only
 * as bytes come. Throws a {@link Problem} for a body that is too large or comes too slowly, and another Error when the
 * caller goes away.
 */
export async function readBody(req: IncomingMessage, { maxBytes, pace }: BodyLimits): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const declared = req.headers['content-length'];
  const whole = declared === undefined ? null : Buffer.allocUnsafeSlow(Number(declared));
  const chunks: Buffer[] = [];
  let length = 0;

  const read = (chunk: Buffer) => {
    if (length + chunk.length > maxBytes) return reject(tooLarge(maxBytes));
    length += chunk.length;
    if (whole) {
      chunk.copy(whole, length - chunk.length);
      freeBytes(chunk); // Node's parser has made it for this request alone.
    } else chunks.push(chunk);
  };
  const watched = new Pace(pace);
  const ticks = setInterval(() => {
    if (watched.isTooSlow(length, TICK_MS)) reject(tooSlow(length));
  }, TICK_MS);
  const end = () => resolve(whole ?? Buffer.concat(chunks, length));
  const cutOff = () => reject(new Error(`The caller went away after ${length} bytes of the body`));

  req.on('data', read).once('end', end).once('error', cutOff).once('close', cutOff);
  try {
    return await promise;
  } finally {
    clearInterval(ticks);
    req.off('data', read).off('end', end).off('close', cutOff);
  }
}

function tooLarge(maxBytes: number): Problem {
  return new Problem('body-too-large', `The body is larger than the ${maxBytes} bytes allowed.`);
}

function tooSlow(length: number): Problem {
  return new Problem('request-timeout', `The body came too slowly: ${length} bytes of it so far.`);
}
