// Answers requests that Node's parser or its time-outs refuse with problem documents too.
import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Problem, problemBody } from '../errors.ts';
import type { Log } from '../log.ts';
import { sendProblem } from './http.ts';
import { STATUS_CODES } from './node-http.ts';

/** How long a caller may take to read why its connection is closed. */
const LINGER_MS = 1000;

/** Answers what Node would refuse itself. `inProgress`: responses that have been started and not ended. */
export function answerClientErrors(server: Server, inProgress: ReadonlySet<ServerResponse>, log: Log): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const isAnswering = [...inProgress].some((res) => res.socket === socket && res.headersSent);
    if (isAnswering || !socket.writable || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    log.debug('A request was refused', { reason: error.code });
    refuseOn(socket, problemOf(error));
  });
  server.on('connect', (_req, socket) => {
    refuseOn(socket, new Problem('method-not-allowed', 'CONNECT is not allowed here.'));
  });
  server.on('checkExpectation', (req, res) => {
    const expected = JSON.stringify(req.headers.expect?.slice(0, 100));
    res.setHeader('connection', 'close');
    sendProblem(res, new Problem('expectation-failed', `The expectation ${expected} cannot be met.`));
  });
}

function problemOf({ code, message }: NodeJS.ErrnoException): Problem {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem('headers-too-large', 'The headers take more than the 16 KiB allowed.');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new Problem('body-too-large', 'The chunk extensions of the body are too large.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem('request-timeout', 'The request did not arrive in time.');
    default:
      return new Problem('invalid-request', `This is not HTTP/1.1: ${message}.`);
  }
}

/** Answers by hand and closes the connection, because there is no ServerResponse if there was no valid request. */
export function refuseOn(socket: Duplex, problem: Problem): void {
  const body = `${JSON.stringify(problemBody(problem))}\n`;
  const lines = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.on('error', () => {}); // The socket is closed anyway.
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
