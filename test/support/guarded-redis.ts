// A Redis with TLS that admits only the users of the deployment's access list. It records what each of them
// did and was refused.
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { stepOf } from '../../chaos/steps.ts';
import { scriptNames, type ScriptName } from '../../functions/lib/queue/script-text.ts';
import { until } from '../../functions/testing/until.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { makeCertificate, type Certificate } from './certificate.ts';

export const accessList = new URL('../../knative/components/redis-external/users.acl', import.meta.url);
const PASSWORD = 'known-to-this-test-only';
const ADMIN = `user admin on >${PASSWORD} ~* &* +@all`;
/** How often connections are listed; no connection is shorter than this. */
const LOOK_EVERY_MS = 20;

/** What one user did. */
interface Deeds {
  commands: Set<string>;
  scripts: Set<ScriptName>;
}

export class GuardedRedis {
  readonly admin: Redis;
  /** The users of connections that have closed before they can be listed. */
  visitor: string | null = null;
  readonly #server: RedisServer;
  readonly #certificate: Certificate;
  readonly #folder: string;
  /** Address of a connection → its user. */
  readonly #users = new Map<string, string>();
  readonly #calls: { address: string; command: string; step: string }[] = [];
  readonly #ca: string;
  readonly #marks = new Set<string>();
  #monitor: Redis | null = null;
  #looking: NodeJS.Timeout | null = null;

  private constructor(server: RedisServer, certificate: Certificate, folder: string, ca: string) {
    this.#server = server;
    this.#certificate = certificate;
    this.#folder = folder;
    this.#ca = ca;
    this.admin = this.connect('admin');
  }

  static async start(): Promise<GuardedRedis> {
    const certificate = await makeCertificate();
    const folder = await mkdtemp(join(tmpdir(), 'tessera-acl-'));
    const aclfile = join(folder, 'users.acl');
    const users = await readFile(accessList, 'utf8');
    await writeFile(aclfile, `${users.replaceAll(/^user (?!default)\w+ on/gm, `$& >${PASSWORD}`)}${ADMIN}\n`);
    const server = await RedisServer.start({ tls: certificate, settings: { aclfile } });
    const ca = await readFile(certificate.certificate, 'utf8');
    const guarded = new GuardedRedis(server, certificate, folder, ca);
    await guarded.#watch();
    return guarded;
  }

  urlOf(user: string): string {
    return this.#server.url.replace('//', `//${user}:${PASSWORD}@`);
  }

  /** Opens a connection as this user. The caller must disconnect it. */
  connect(user: string): Redis {
    const redis = new Redis(this.urlOf(user), {
      tls: { ca: this.#ca },
      maxRetriesPerRequest: null,
      disableClientInfo: true,
      enableReadyCheck: false,
    });
    redis.on('connect', () => {
      const { localAddress, localPort } = (redis as unknown as { stream: Socket }).stream;
      this.#users.set(`${localAddress}:${localPort}`, user);
    });
    return redis;
  }

  /** Returns the settings with which a process is this user. */
  envOf(user: string): Record<string, string> {
    return { REDIS_URL: this.urlOf(user), NODE_EXTRA_CA_CERTS: this.#certificate.certificate };
  }

  /** Returns everything a user did, except the commands inside its scripts. */
  async deedsOf(user: string): Promise<Deeds> {
    await this.#caughtUp();
    const deeds: Deeds = { commands: new Set(), scripts: new Set() };
    for (const { address, command, step } of this.#calls) {
      if (this.#users.get(address) !== user) continue;
      deeds.commands.add(command);
      const script = scriptNames.find((name) => name === step);
      if (script) deeds.scripts.add(script);
    }
    return deeds;
  }

  /** Throws an Error with what users were refused since the last call, if anything. */
  async checkRefusals(): Promise<void> {
    const entries = (await this.admin.call('ACL', 'LOG')) as string[][];
    await this.admin.call('ACL', 'LOG', 'RESET');
    if (entries.length === 0) return;
    const lines = entries.map((entry) => {
      const field = (name: string) => entry[entry.indexOf(name) + 1];
      return `${field('username')} was refused the ${field('reason')} ${field('object')} (${field('context')})`;
    });
    throw new Error(lines.join('\n'));
  }

  /** Waits for a condition, but stops if something was refused. */
  async until(what: string, check: () => Promise<unknown>): Promise<void> {
    await until(what, async () => {
      const answer = await check();
      await this.checkRefusals();
      return answer;
    });
  }

  async stop(): Promise<void> {
    clearInterval(this.#looking ?? undefined);
    this.#monitor?.disconnect();
    this.admin.disconnect();
    await this.#server.stop();
    await this.#certificate.remove();
    await rm(this.#folder, { recursive: true });
  }

  /** Resolves when the monitor has reported everything done so far. */
  async #caughtUp(): Promise<void> {
    const mark = randomUUID();
    await this.admin.echo(mark);
    await until('the monitor', () => this.#marks.has(mark));
  }

  async #watch(): Promise<void> {
    this.#monitor = await this.admin.monitor();
    this.#monitor.on('monitor', (_time: string, [name, ...args]: string[], address: string) => {
      const isContainer = name.toLowerCase() === 'client';
      const command = (isContainer ? `${name}|${args[0]}` : name).toLowerCase();
      if (address === 'lua') return; // Inside a script.
      if (this.visitor && !this.#users.has(address)) this.#users.set(address, this.visitor);
      if (command === 'echo') this.#marks.add(args[0]);
      this.#calls.push({ address, command, step: stepOf(command, args.map(unescaped)).step });
    });
    const look = async () => {
      const clients = (await this.admin.client('LIST')) as string;
      for (const [, address, user] of clients.matchAll(/ addr=(\S+) .* user=(\S+)/g)) {
        if (user !== 'default') this.#users.set(address, user); // Otherwise it has not authenticated yet.
      }
    };
    this.#looking = setInterval(() => void look().catch(() => {}), LOOK_EVERY_MS);
  }
}

/** Returns a word as it was, from MONITOR's output. */
function unescaped(word: string): string {
  const characters: Record<string, string> = { n: '\n', r: '\r', t: '\t' };
  return word.replaceAll(/\\([^x])/g, (_, character: string) => characters[character] ?? character);
}
