// Limits how many requests a caller may send on one connection before it has the responses. Node starts all of them at once,
// and some 2000 fit into what it reads at a time, so one connection could do the work of thousands.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Problem } from '../errors.ts';
import { refuseOn } from './client-errors.ts';

/** Ordinary callers wait for each response, so they have one; two for a moment, because the end of a response is noticed late. */
const MOST_UNANSWERED = 10;

export type Listener = (req: IncomingMessage, res: ServerResponse) => void;

/** Returns a listener that calls `answer`, and closes connections with too many requests that have no response yet. */
export function limitPipelining(answer: Listener): Listener {
  const unanswered = new WeakMap<Socket, Set<ServerResponse>>();
  return (req, res) => {
    const { socket } = req;
    if (!socket.writable) return; // It was closed below, but Node still parses what it has read.
    const responses = unanswered.get(socket) ?? new Set();
    unanswered.set(socket, responses.add(res));
    res.once('close', () => responses.delete(res));
    if (responses.size <= MOST_UNANSWERED) answer(req, res);
    else close(socket, responses);
  };
}

function close(socket: Socket, responses: ReadonlySet<ServerResponse>): void {
  const isAnswering = [...responses].some((res) => res.headersSent);
  if (isAnswering) socket.destroy();
  else {
    const detail = `More than ${MOST_UNANSWERED} requests on this connection wait for their responses.`;
    refuseOn(socket, new Problem('invalid-request', detail));
    socket.destroySoon();
  }
}
