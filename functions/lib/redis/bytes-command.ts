// Pixels on their way to Redis, without a copy. ioredis puts a command's bytes together with its text, and a pipeline's
// commands together once more: two copies, and two buffers to collect, of every tile.
import type { Writable } from 'node:stream';
import { Command, type Redis } from 'ioredis';

/** `SET key bytes`, `APPEND key bytes` or `HSET key field bytes`, written from where the bytes lie: they must not change until it is answered. */
export class BytesCommand extends Command {
  readonly #head: string;
  readonly #bytes: Uint8Array;

  constructor(name: 'set' | 'append' | 'hset', place: string[], bytes: Uint8Array) {
    super(name, place);
    const texts = [name, ...place].map(bulkString).join('');
    this.#head = `*${place.length + 2}\r\n${texts}$${bytes.byteLength}\r\n`;
    this.#bytes = bytes;
  }

  /** Writes all but the command's end, which is left to the caller. */
  override toWritable(socket: Writable): string {
    socket.write(this.#head);
    socket.write(this.#bytes);
    return '\r\n';
  }
}

/** A text as an argument of the Redis protocol. */
function bulkString(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

/**
 * Sends `commands` in one piece, as a pipeline: when a connection is lost halfway through their replies, the rest is
 * not sent again but rejects with an AbortError. Answers all replies; throws the first fault among them.
 */
export async function sendTogether(redis: Redis, commands: Command[]): Promise<unknown[]> {
  const { stream } = redis as { stream?: Writable }; // There is none before the first connection.
  stream?.cork();
  commands.forEach((command, index) => {
    command.pipelineIndex = index;
    redis.sendCommand(command);
  });
  process.nextTick(() => stream?.uncork()); // What else is sent in this tick goes along.
  const replies = await Promise.allSettled(commands.map(({ promise }) => promise as Promise<unknown>));
  return replies.map((reply) => {
    if (reply.status === 'rejected') throw reply.reason;
    return reply.value;
  });
}
