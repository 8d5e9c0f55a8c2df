// Measures how long a worker that is woken from zero takes from its start to its first tile, compared with an
// idle Node.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ImageLedger } from '../functions/lib/queue/image-ledger.ts';
import { buildIfStale } from '../scripts/build.ts';
import { FunctionProcess } from '../local/function-process.ts';
import { RedisServer } from '../local/redis-server.ts';
import { interleave, median, table } from './lib/measure.ts';

export interface ColdResults {
  rounds: number;
  /** `node -e 0`, start to end. */
  bareMs: number;
  /** blur, start to first claimed tile. */
  firstClaimMs: number;
  ratio: number;
}

const IMAGE = '0123456789abcdef01234567';
const TILE = 256;

export async function benchCold({ rounds = 15 } = {}): Promise<ColdResults> {
  await buildIfStale();
  const server = await RedisServer.start();
  const redis = server.connect();
  const ledger = new ImageLedger(redis, { keyPrefix: 'image', recordTtlS: 3600 });
  // MONITOR reports every command as Redis runs it, so noticing the claim costs the worker nothing.
  const watcher = server.connect();
  const monitor = await watcher.monitor();

  async function firstClaim(): Promise<number> {
    await redis.flushall();
    const plan = {
      name: 'cold.png',
      width: TILE,
      height: TILE,
      tileSizePx: TILE,
      recipe: '15',
      tiles: 1,
      output: 'cold_blurred.png',
      owner: '',
    };
    await ledger.begin(IMAGE, plan, { bytes: 1, budgetBytes: 1 });
    await ledger.enqueue(IMAGE, 0, Buffer.alloc(TILE * TILE * 3));
    const claimed = new Promise<void>((resolve) => {
      const onCommand = (_time: string, [command, key]: string[]) => {
        if (command.toUpperCase() !== 'ZADD' || key !== 'image:job:leases') return;
        monitor.off('monitor', onCommand);
        resolve();
      };
      monitor.on('monitor', onCommand);
    });
    const startedAt = performance.now();
    const blur = new FunctionProcess('blur', { env: { REDIS_URL: server.url, LOG_LEVEL: 'silent' } });
    await claimed;
    const ms = performance.now() - startedAt;
    await blur.stop();
    return ms;
  }

  try {
    const measured = await interleave(new Map([['bare', bare] as const, ['claim', firstClaim] as const]), {
      rounds,
      leastMs: 1,
    });
    const bareMs = median(measured.get('bare') ?? []);
    const firstClaimMs = median(measured.get('claim') ?? []);
    const results = { rounds, bareMs, firstClaimMs, ratio: firstClaimMs / bareMs };
    print(results);
    return results;
  } finally {
    monitor.disconnect();
    watcher.disconnect();
    redis.disconnect();
    await server.stop();
  }
}

async function bare(): Promise<number> {
  const startedAt = performance.now();
  await once(spawn(process.execPath, ['-e', '0']), 'exit');
  return performance.now() - startedAt;
}

function print({ rounds, bareMs, firstClaimMs, ratio }: ColdResults): void {
  console.log(`\nCold start, medians of ${rounds} rounds`);
  console.log(
    table([
      ['', 'ms', '× bare'],
      ['node -e 0, start to end', bareMs.toFixed(0), '1.00'],
      ['blur, start to first claimed tile', firstClaimMs.toFixed(0), ratio.toFixed(2)],
    ]),
  );
}

if (import.meta.main) {
  const [rounds = 15] = process.argv.slice(2).map(Number);
  await benchCold({ rounds });
}
