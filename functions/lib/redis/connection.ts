// Connections to Redis that notice what TCP does not tell: a server that is gone without a word, one that hangs, one
// that has become a replica. docs/adr/0009 tells why the times are what they are.
import { Redis } from 'ioredis';
import { isFromReplica } from './faults.ts';

/**
 * How a connection meets a Redis that does not answer. `waits`: a command is held and sent again until Redis is back,
 * for workers, which have nothing else to do. `fails`: it fails soon, for functions with a caller at the other end.
 */
export type Patience = 'waits' | 'fails';

const CONNECT_TIMEOUT_MS = 2000;
/** A connection on which a command has waited this long, with no byte from Redis, is given up. */
const SOCKET_TIMEOUT_MS = 10_000;
/** For a connection that has nothing to send: the time until the system asks whether the other end is still there. */
const KEEP_ALIVE_MS = 5000;
/** The pause before the next look at a Redis that loads its data. */
const LOADING_RETRY_MS = 1000;
/** A replica that is all there is must not be asked anew for every command. */
const RECONNECT_EVERY_MS = 1000;

/** Connects to `url` in the background. Faults of the connection are the heartbeat's to tell. */
export function connectRedis(url: string, patience: Patience): Redis {
  return new Redis(url, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_MS,
    maxLoadingRetryTime: LOADING_RETRY_MS,
    disableClientInfo: true, // A user of the access list may not tell it.
    retryStrategy: (attempt) => Math.min(50 * attempt, 1000),
    reconnectOnError: leavesReplica(),
    ...(patience === 'waits'
      ? { maxRetriesPerRequest: null }
      : { maxRetriesPerRequest: 0, enableOfflineQueue: false }),
  });
}

/**
 * A second connection to the same Redis, for commands that block it. A command cut off there is not sent again, as it
 * could take a tile for someone who no longer waits for it. Faults of the connection are not logged: they are the
 * first's. No command may block for as long as the socket's time-out.
 */
export function blockingTwin(redis: Redis): Redis {
  const twin = redis.duplicate({ maxRetriesPerRequest: 0, reconnectOnError: leavesReplica() });
  return twin.on('error', () => {});
}

/** Connects anew after an answer that only a replica gives: the address may lead to another server by now. */
function leavesReplica(): (error: Error) => boolean {
  let lastMs = -Infinity;
  return (error) => {
    if (!isFromReplica(error) || performance.now() - lastMs < RECONNECT_EVERY_MS) return false;
    lastMs = performance.now();
    return true;
  };
}
