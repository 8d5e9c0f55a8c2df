// Cuts off callers that do not read their responses.
import type { ServerResponse } from 'node:http';
import type { Log } from '../log.ts';
import { Pace, type PaceLimit } from './pace.ts';

const SWEEP_MS = 5000;
const PIECE_BYTES = 64 * 1024;

/**
 * Checks the responses in `inProgress` every `sweepMs`, and destroys those whose reader is slower than `limit`. Time without
 * bytes to send does not count. Bytes count when everything written together with them has been sent, so long responses should
 * be written {@link inPieces}.
 */
export function cutSlowReaders(
  inProgress: ReadonlySet<ServerResponse>,
  limit: PaceLimit,
  log: Log,
  sweepMs = SWEEP_MS,
): void {
  const paces = new WeakMap<ServerResponse, Pace>();
  const sweep = () => {
    for (const res of inProgress) {
      const { socket } = res;
      if (!socket || !res.headersSent || socket.writableLength === 0) continue;
      const pace = paces.get(res) ?? new Pace(limit);
      paces.set(res, pace);
      if (!pace.isTooSlow(socket.bytesWritten - socket.writableLength, sweepMs)) continue;
      log.debug('A caller that does not read its response is cut off', { bytesTaken: socket.bytesWritten });
      res.destroy();
    }
  };
  setInterval(sweep, sweepMs).unref();
}

/** Yields the same bytes in pieces that are small enough to distinguish a slow reader from one that does not read. */
export async function* inPieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) yield chunk.subarray(at, at + PIECE_BYTES);
  }
}
