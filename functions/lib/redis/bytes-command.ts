// Sends pixels to Redis without a copy. ioredis joins a command's bytes with its text, and then the commands
// of a pipeline, so every tile would be copied twice into buffers that have to be collected.
import type { Writable } from 'node:stream';
import { Command, type Redis } from 'ioredis';

/**
 * `SET key bytes`, `APPEND key bytes` or `HSET key field bytes`. The bytes are written in place, so they must
 * not change until Redis has replied.
 */
export class BytesCommand extends Command {
  readonly #head: string;
  readonly #bytes: Uint8Array;

  constructor(name: 'set' | 'append' | 'hset', place: string[], bytes: Uint8Array) {
    super(name, place);
    const texts = [name, ...place].map(bulkString).join('');
    this.#head = `*${place.length + 2}\r\n${texts}$${bytes.byteLength}\r\n`;
    this.#bytes = bytes;
  }

  /** Writes everything but the command's end, which the caller writes. */
  override toWritable(socket: Writable): string {
    socket.write(this.#head);
    socket.write(this.#bytes);
    return '\r\n';
  }
}

/** Returns a text as an argument of the Redis protocol. */
function bulkString(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

/**
 * Sends `commands` together, as a pipeline. If the connection is lost between their replies, the rest is not
 * sent again but rejects with an AbortError. Returns all replies; throws the first fault among them.
 */
export async function sendTogether(redis: Redis, commands: Command[]): Promise<unknown[]> {
  const { stream } = redis as { stream?: Writable }; // Undefined before the first connection.
  stream?.cork();
  commands.forEach((command, index) => {
    command.pipelineIndex = index;
    redis.sendCommand(command);
  });
  process.nextTick(() => stream?.uncork()); // Other commands of this tick are sent along.
  const replies = await Promise.allSettled(commands.map(({ promise }) => promise as Promise<unknown>));
  return replies.map((reply) => {
    if (reply.status === 'rejected') throw reply.reason;
    return reply.value;
  });
}
