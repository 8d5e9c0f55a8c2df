// A private Redis server on a free port. It ends together with the process that started it, however that ends.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Redis } from 'ioredis';
import { CommandError } from '../scripts/lib/options.ts';
import { freePort } from './free-port.ts';
import { Guard } from './guard.ts';
import { makeTemporaryFolder, removeTemporaryFolder } from './temporary-folder.ts';

const SERVERS = ['redis-server', 'valkey-server'];
const START_MS = 10_000;
const STOP_MS = 5000;
const START_TRIES = 5;

export interface RedisServerOptions {
  /** Keeps an append-only file, so that a restart finds earlier writes. */
  appendOnly?: boolean;
  /** The server's memory limit. Above it writes are refused, and nothing is evicted. */
  maxMemory?: string;
  /** Further settings of the server, by their names in redis.conf. */
  settings?: Record<string, string>;
  /** Speaks only TLS, with this certificate and its key (files). */
  tls?: { certificate: string; key: string };
}

export class RedisServer {
  readonly port: number;
  readonly #dir: string;
  readonly #guard: Guard;
  readonly #options: RedisServerOptions;
  #process: ChildProcess | null = null;

  private constructor(port: number, dir: string, guard: Guard, options: RedisServerOptions) {
    this.port = port;
    this.#dir = dir;
    this.#guard = guard;
    this.#options = options;
  }

  /** Starts a server. Throws an Error that says how to install one if there is none. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const dir = await makeTemporaryFolder(tmpdir(), 'tessera-redis-');
    const guard = new Guard(dir);
    for (let tries = 1; ; tries++) {
      const server = new RedisServer(await freePort(), dir, guard, options);
      try {
        await server.restart();
        return server;
      } catch (error) {
        await server.kill();
        // Another process may take the free port before the server does.
        if (tries < START_TRIES) continue;
        await server.stop();
        throw error;
      }
    }
  }

  get url(): string {
    return `${this.#options.tls ? 'rediss' : 'redis'}://127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Resolves when the current process has ended. */
  get exited(): Promise<void> {
    const child = this.#process;
    if (!child || !isRunning(child)) return Promise.resolve();
    return once(child, 'exit').then(() => {});
  }

  /** Returns a connection for reading and setting up. The caller must disconnect it. */
  connect(): Redis {
    return new Redis(this.port, '127.0.0.1', { maxRetriesPerRequest: null });
  }

  /** Starts the server's process, also after {@link kill}. */
  async restart(): Promise<void> {
    const { appendOnly = false, maxMemory = '0', settings = {}, tls } = this.#options;
    const all = {
      port: tls ? '0' : String(this.port),
      bind: '127.0.0.1',
      dir: this.#dir,
      save: '',
      appendonly: appendOnly ? 'yes' : 'no',
      appendfsync: 'everysec',
      maxmemory: maxMemory,
      'maxmemory-policy': 'noeviction',
      ...(tls && {
        'tls-port': String(this.port),
        'tls-cert-file': tls.certificate,
        'tls-key-file': tls.key,
        'tls-ca-cert-file': tls.certificate,
        'tls-auth-clients': 'no',
      }),
      ...settings,
    };
    const child = spawn(
      redisBinary(),
      Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]),
      { stdio: ['ignore', 'pipe', 'pipe'], detached: true }, // Ctrl-C is for its owner only.
    );
    this.#process = child;
    this.#guard.watch(child.pid ?? null);
    await untilReady(child);
  }

  /** Ends the server as a crash would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends the server and removes its files. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    await removeTemporaryFolder(this.#dir);
    this.#guard.release();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (!child || !isRunning(child)) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    const overdue = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(overdue);
    this.#guard.watch(null);
  }
}

function isRunning({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null;
}

/** Returns the path of the installed Redis or Valkey server. Throws an Error if there is none. */
export function redisBinary(): string {
  for (const name of SERVERS) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not in this folder, maybe in the next one.
      }
    }
  }
  throw new CommandError(
    `Redis 7 or later, or Valkey, is missing: there is no ${SERVERS.join(' or ')} on the PATH. Install it with your system's package manager.`,
  );
}

async function untilReady(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let output = '';
  const read = (chunk: Buffer) => {
    output += chunk;
    if (output.includes('Ready to accept connections')) resolve();
  };
  child.stdout?.on('data', read);
  child.stderr?.on('data', read);
  child.once('error', reject);
  child.once('exit', () => reject(new CommandError(`The Redis server did not start:\n${output}`)));
  const timer = setTimeout(
    () => reject(new CommandError(`The Redis server is not ready:\n${output}`)),
    START_MS,
  );
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    child.stdout?.off('data', read).resume();
    child.stderr?.off('data', read).resume();
  }
}
