// Measures the longest time that one command of the queue keeps Redis busy, by the number of tiles of its
// image. Meanwhile Redis serves no other client. The best of several rounds counts, because other load on the
// machine only makes a command longer.
import { constants, setPriority } from 'node:os';
import { ImageLedger } from '../functions/lib/queue/image-ledger.ts';
import { ImageReader } from '../functions/lib/queue/image-reader.ts';
import { LeaseQueue } from '../functions/lib/queue/lease-queue.ts';
import { QueueScripts } from '../functions/lib/queue/scripts.ts';
import { RedisServer } from '../local/redis-server.ts';
import { table } from './lib/measure.ts';

export interface ScriptsResults {
  rounds: number;
  /** Microseconds of the longest command that Redis ran for a step, in the best of the rounds. */
  rows: { step: string; tiles: number; longestUs: number }[];
}

const SIZES = [100, 1000, 20_000];
const MEASURED = 50;
const IMAGE = '0123456789abcdef01234567';
/** A low tile of one column, RGB: images with many tiles in few bytes have such tiles. */
const SOURCE = Buffer.alloc(3 * 256);
const SETTINGS = {
  keyPrefix: 'image',
  recordTtlS: 3600,
  leaseMs: 3_600_000,
  maxAttempts: 1,
  retryBaseMs: 1,
};

export async function benchScripts({ rounds = 5, sizes = SIZES } = {}): Promise<ScriptsResults> {
  const server = await RedisServer.start();
  try {
    letNobodyInterrupt(server.pid);
    const rows: ScriptsResults['rows'] = [];
    for (const tiles of sizes) {
      const best = new Map<string, number>();
      for (let round = 0; round < rounds; round++) {
        for (const [step, us] of await measureLives(server, tiles)) {
          best.set(step, Math.min(best.get(step) ?? Infinity, us));
        }
      }
      for (const [step, longestUs] of best) rows.push({ step, tiles, longestUs });
    }
    const results = { rounds, rows };
    print(results, sizes);
    return results;
  } finally {
    await server.stop();
  }
}

/** If the system allows it, gives this process a high priority. */
function letNobodyInterrupt(pid = 0): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_HIGHEST);
  } catch {
    // Without it the figures are less certain.
  }
}

/**
 * Runs every step in the life of an image of `tiles` tiles. Returns the longest command of each step, in
 * microseconds.
 */
async function measureLives(server: RedisServer, tiles: number): Promise<Map<string, number>> {
  const redis = server.connect();
  let now = 1_000_000;
  const ledger = new ImageLedger(redis, SETTINGS, () => now);
  const images = new ImageReader(redis, SETTINGS.keyPrefix);
  const queue = new LeaseQueue(redis, SETTINGS, () => now);
  const scripts = new QueueScripts(redis, SETTINGS.keyPrefix);
  const longest = new Map<string, number>();
  const numbers = Array.from({ length: tiles }, (_, tile) => tile);

  async function measure<T>(step: string, work: () => Promise<T>): Promise<T> {
    await redis.call('SLOWLOG', 'RESET');
    const result = await work();
    const log = (await redis.call('SLOWLOG', 'GET', '-1')) as [number, number, number, string[]][];
    const us = log.filter(([, , , [command]]) => command !== 'SLOWLOG').map(([, , took]) => took);
    longest.set(step, Math.max(longest.get(step) ?? 0, ...us));
    return result;
  }
  const plan = {
    name: 'bench.png',
    output: 'bench.png',
    owner: '',
    width: 1,
    height: 256 * tiles,
    tileSizePx: 256,
  };
  const begin = () =>
    ledger.begin(IMAGE, { ...plan, recipe: '15', tiles }, { bytes: 1, budgetBytes: 1_000_000 });
  const enqueue = (tilesOf: number[]) =>
    Promise.all(tilesOf.map((tile) => ledger.enqueue(IMAGE, tile, SOURCE)));
  const claim = async (count: number) => {
    const claims = await Promise.all(numbers.slice(0, count).map(() => queue.claim()));
    return claims.filter((each) => each !== null);
  };
  /** Most tiles are not measured: among thousands of commands of one kind some are always interrupted. */
  const most = tiles - MEASURED;

  try {
    await redis.flushall();
    await redis.config('SET', 'slowlog-log-slower-than', '20', 'slowlog-max-len', '1000000');
    await measure('begin', begin);
    await enqueue(numbers.slice(0, most));
    await measure('enqueue', () => enqueue(numbers.slice(most)));
    await measure('newest', () => images.newest(100));
    await measure('cancel', () => ledger.cancel(IMAGE));
    await measure('begin again', begin);
    await enqueue(numbers);
    const claims = [...(await measure('claim', () => claim(MEASURED))), ...(await claim(most))];
    const [failed, acked] = [claims.slice(0, most), claims.slice(most)];
    await measure('status', () => Promise.all([images.record(IMAGE), images.deadTiles(IMAGE)]));
    await measure('tile map', () => images.tileMap(IMAGE, tiles));
    for (const each of failed) await queue.fail(each, 'broke');
    await measure('ack, the rest failed', () => Promise.all(acked.map((each) => queue.ack(each, SOURCE))));
    await measure('status, most failed', () => Promise.all([images.record(IMAGE), images.deadTiles(IMAGE)]));
    await measure('requeue', () => scripts.run('requeue', `${IMAGE}:${failed[0].job.tile}`));
    const [again] = await claim(1);
    await measure('fail', () => queue.fail(again, 'broke'));
    now += 2 * 1000 * SETTINGS.recordTtlS;
    await measure('expire', async () => {
      while ((await redis.exists(`image:${IMAGE}:tiles`, `image:${IMAGE}:sweep`)) > 0) await queue.claim();
    });
    await begin();
    await enqueue(numbers);
    for (const each of await claim(most)) await queue.ack(each, SOURCE);
    const last = await claim(MEASURED);
    await measure('ack', () => Promise.all(last.map((each) => queue.ack(each, SOURCE))));
    await measure('finish', () => ledger.finish(IMAGE));
    return longest;
  } finally {
    redis.disconnect();
  }
}

function print({ rounds, rows }: ScriptsResults, sizes: number[]): void {
  console.log(`\nThe longest command of Redis in each step, microseconds, the best of ${rounds} rounds`);
  const steps = [...new Set(rows.map(({ step }) => step))];
  const of = (step: string, tiles: number) =>
    rows.find((row) => row.step === step && row.tiles === tiles)?.longestUs.toFixed(0) ?? '';
  console.log(
    table([
      ['step', ...sizes.map((tiles) => `${tiles} tiles`)],
      ...steps.map((step) => [step].concat(sizes.map((tiles) => of(step, tiles)))),
    ]),
  );
}

if (import.meta.main) {
  const [rounds = 5, ...sizes] = process.argv.slice(2).map(Number);
  await benchScripts({ rounds, sizes: sizes.length > 0 ? sizes : SIZES });
}
