// A Redis Cluster of one node with all slots. It refuses what a larger cluster would refuse.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { redisBinary } from '../../local/redis-server.ts';
import { until } from '../../functions/testing/until.ts';

const CONNECT_TRIES = 50;
const PORT_TRIES = 20;

export class ClusterNode {
  readonly #port: number;
  readonly #dir: string;
  readonly #process: ChildProcess;

  private constructor(port: number, dir: string) {
    this.#port = port;
    this.#dir = dir;
    const settings = {
      port,
      bind: '127.0.0.1',
      dir,
      save: '',
      'cluster-enabled': 'yes',
      'cluster-port': port + 1,
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.#process = spawn(redisBinary(), args, { stdio: 'ignore' });
    process.once('exit', () => this.#process.kill('SIGKILL')); // If the tests are interrupted.
  }

  static async start(): Promise<ClusterNode> {
    const node = new ClusterNode(await freePortPair(), await mkdtemp(join(tmpdir(), 'tessera-cluster-')));
    const redis = node.connect();
    try {
      await redis.cluster('ADDSLOTSRANGE', 0, 16_383);
      await until('the cluster', async () => (await redis.cluster('INFO')).includes('cluster_state:ok'));
      return node;
    } catch (error) {
      await node.stop();
      throw error;
    } finally {
      redis.disconnect();
    }
  }

  connect(): Redis {
    const redis = new Redis(this.#port, '127.0.0.1', { maxRetriesPerRequest: CONNECT_TRIES });
    redis.on('error', () => {}); // It is just starting; commands that cannot connect fail.
    return redis;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      const exited = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await exited;
    }
    await rm(this.#dir, { recursive: true, force: true });
  }
}

/** Returns a port with a free one after it, for the cluster's own traffic. */
async function freePortPair(): Promise<number> {
  for (let tries = 1; tries <= PORT_TRIES; tries++) {
    const first = createServer().listen(0, '127.0.0.1');
    await once(first, 'listening');
    const { port } = first.address() as AddressInfo;
    const second = createServer().listen(port + 1, '127.0.0.1');
    const isFree = await once(second, 'listening').then(
      () => true,
      () => false,
    );
    for (const server of [first, second]) server.close();
    if (isFree) return port;
  }
  throw new Error(`No two free ports side by side in ${PORT_TRIES} tries`);
}
