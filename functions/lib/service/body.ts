// Reads the body of a request into one piece of memory. Refuses it by its headers if possible, and otherwise reads it within
// limits for size, time and number of bodies.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { Problem } from '../errors.ts';
import { freeBytes } from '../image/pixels.ts';
import { Pace, type PaceLimit } from './pace.ts';

const TICK_MS = 1000;
/** A body takes a place after this many bytes. A caller that sends byte by byte never gets that far, and blocks nobody. */
const UNPLACED_BYTES = 1024 * 1024;

/** The limited places for bodies and for work on them. */
export interface BodyPlaces {
  /** Returns whether a request with this head needs a place. */
  areNeededFor(req: IncomingMessage): boolean;
  /** Resolves when there is a free place for a request with this head. Throws a {@link Problem} if none gets free soon. */
  find(req: IncomingMessage): Promise<void>;
  /** Takes a place until `res` is closed and the work on its body has ended. Throws a {@link Problem} if none gets free soon. */
  take(res: ServerResponse): Promise<void>;
}

export interface BodyLimits {
  maxBytes: number;
  pace: PaceLimit;
  place?: {
    /** Takes a place for the body; see {@link BodyPlaces}. */
    take: () => Promise<void>;
    /** The pace required from then on, because the body now blocks a place for others. */
    pace: PaceLimit;
  };
}

/** Throws a {@link Problem} for a body that cannot be accepted, as far as its headers show. */
export function assertAcceptable(headers: IncomingHttpHeaders, maxBytes: number): void {
  const { 'content-encoding': content = '', 'transfer-encoding': transfer = '' } = headers;
  const isPlain = ['', 'identity'].includes(content.toLowerCase());
  if (!isPlain || !['', 'chunked'].includes(transfer.toLowerCase())) {
    const encoding = isPlain ? transfer : content;
    throw new Problem('unsupported-encoding', `The body is encoded as ${JSON.stringify(encoding)}.`);
  }
  if (Number(headers['content-length']) > maxBytes) throw tooLarge(maxBytes);
}

/**
 * Returns the whole body, and takes a place for it meanwhile. Throws a {@link Problem} for a body that is too large, arrives too
 * slowly or gets no place, and another Error if the caller closes the connection.
 */
export async function readBody(req: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const { maxBytes, pace, place } = limits;
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const body = new Body(Number(req.headers['content-length'] ?? maxBytes));
  let watched = new Pace(pace);
  let hasPlace = place === undefined;

  const takePlace = async () => {
    if (place === undefined || hasPlace) return;
    hasPlace = true;
    req.pause();
    await place.take();
    watched = new Pace(place.pace, body.length);
    if (body.length > UNPLACED_BYTES) body.grow(); // There is more to come.
    req.resume();
  };
  const read = (chunk: Buffer) => {
    if (body.length + chunk.length > maxBytes) return reject(tooLarge(maxBytes));
    body.add(chunk);
    if (body.length > UNPLACED_BYTES) takePlace().catch(reject);
  };
  const end = () => {
    req.off('close', cutOff);
    takePlace().then(() => resolve(body.whole()), reject);
  };
  const cutOff = () =>
    reject(new Error(`The caller closed the connection after ${body.length} bytes of the body`));

  const ticks = setInterval(() => {
    // While the request is paused, the caller cannot send.
    if (!req.isPaused() && watched.isTooSlow(body.length, TICK_MS)) reject(tooSlow(body.length));
  }, TICK_MS);
  req.on('data', read).once('end', end).once('error', cutOff).once('close', cutOff);
  try {
    return await promise;
  } finally {
    clearInterval(ticks);
    req.off('data', read).off('end', end).off('close', cutOff);
  }
}

/**
 * The bytes that have arrived, in one piece of memory that grows with them. The chunks are not kept: each takes about 400 bytes,
 * even if it brings only one.
 */
class Body {
  length = 0;
  readonly #mostBytes: number;
  #memory = Buffer.allocUnsafeSlow(0);

  /** The body has `mostBytes`, or fewer where its length was not declared. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  add(chunk: Buffer): void {
    const at = this.length;
    this.length += chunk.length;
    if (this.length > this.#memory.length) this.#resize(Math.max(this.length, 2 * this.#memory.length));
    chunk.copy(this.#memory, at);
    freeBytes(chunk); // Node's parser has made it for this request only.
  }

  /** Allocates memory for the longest possible body. The system provides the memory as it is filled. */
  grow(): void {
    this.#resize(this.#mostBytes);
  }

  whole(): Buffer {
    return this.#memory.subarray(0, this.length);
  }

  #resize(bytes: number): void {
    const old = this.#memory;
    this.#memory = Buffer.allocUnsafeSlow(Math.min(bytes, this.#mostBytes));
    old.copy(this.#memory);
    freeBytes(old);
  }
}

function tooLarge(maxBytes: number): Problem {
  return new Problem('body-too-large', `The body is larger than the ${maxBytes} bytes allowed.`);
}

function tooSlow(length: number): Problem {
  return new Problem('request-timeout', `The body arrived too slowly: ${length} bytes so far.`);
}
