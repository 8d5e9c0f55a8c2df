// Cuts off callers that do not read the answers they asked for.
import type { ServerResponse } from 'node:http';
import type { Log } from '../log.ts';
import { Pace, type PaceLimit } from './pace.ts';

const SWEEP_MS = 5000;
const PIECE_BYTES = 64 * 1024;

/**
 * Looks after the responses in `underWay` every `sweepMs`, and destroys one whose reader is slower than `limit`. Time in
 * which nothing waits to be sent does not count, and bytes count once all that was written with them has left: what is
 * long should be written {@link inPieces}.
 */
export function cutSlowReaders(
  underWay: ReadonlySet<ServerResponse>,
  limit: PaceLimit,
  log: Log,
  sweepMs = SWEEP_MS,
): void {
  const paces = new WeakMap<ServerResponse, Pace>();
  const sweep = () => {
    for (const res of underWay) {
      const { socket } = res;
      if (!socket || !res.headersSent || socket.writableLength === 0) continue;
      const pace = paces.get(res) ?? new Pace(limit);
      paces.set(res, pace);
      if (!pace.isTooSlow(socket.bytesWritten - socket.writableLength, sweepMs)) continue;
      log.debug('A caller that does not read its answer is cut off', { bytesTaken: socket.bytesWritten });
      res.destroy();
    }
  };
  setInterval(sweep, sweepMs).unref();
}

/** The same bytes in pieces that are small enough to tell a slow reader from one that does not read. */
export async function* inPieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) yield chunk.subarray(at, at + PIECE_BYTES);
  }
}
