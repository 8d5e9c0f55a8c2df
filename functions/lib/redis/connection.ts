// Connections to Redis that notice what TCP does not report: a server that has vanished, one that hangs, and
// one that has become a replica. docs/adr/0009 explains the time-outs.
import { Redis } from 'ioredis';
import { isFromReplica } from './faults.ts';

/**
 * How commands behave while Redis does not reply. `waits`: a command is kept and sent again until Redis is
 * back, for workers, which have nothing else to do. `fails`: a command fails soon, for functions whose caller
 * is waiting.
 */
export type Patience = 'waits' | 'fails';

const CONNECT_TIMEOUT_MS = 2000;
/** If a command has waited this long without a byte from Redis, the connection is closed. */
const SOCKET_TIMEOUT_MS = 10_000;
/** For a connection without commands: the time before the system checks whether the other end still exists. */
const KEEP_ALIVE_MS = 5000;
/** Pause before the next attempt while Redis loads its data. */
const LOADING_RETRY_MS = 1000;
/** If only a replica is there, do not reconnect for every command. */
const RECONNECT_EVERY_MS = 1000;

/** Connects to `url` in the background. The heartbeat logs faults of the connection. */
export function connectRedis(url: string, patience: Patience): Redis {
  return new Redis(url, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_MS,
    maxLoadingRetryTime: LOADING_RETRY_MS,
    disableClientInfo: true, // The access list does not allow this command.
    retryStrategy: (attempt) => Math.min(50 * attempt, 1000),
    reconnectOnError: leavesReplica(),
    ...(patience === 'waits'
      ? { maxRetriesPerRequest: null }
      : { maxRetriesPerRequest: 0, enableOfflineQueue: false }),
  });
}

/**
 * Opens a second connection to the same Redis, for commands that block. A command that is cut off there is
 * not sent again, because it could take a tile that nobody waits for. Its connection faults are not logged,
 * because the first connection has the same ones. No command may block for as long as the socket time-out.
 */
export function blockingTwin(redis: Redis): Redis {
  const twin = redis.duplicate({ maxRetriesPerRequest: 0, reconnectOnError: leavesReplica() });
  return twin.on('error', () => {});
}

/** Reconnects after an error that only a replica gives, because the address may lead to another server by now. */
function leavesReplica(): (error: Error) => boolean {
  let lastMs = -Infinity;
  return (error) => {
    if (!isFromReplica(error) || performance.now() - lastMs < RECONNECT_EVERY_MS) return false;
    lastMs = performance.now();
    return true;
  };
}
