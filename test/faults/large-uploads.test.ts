// An upload's memory is freed as soon as its intake ends. Here intakes end early, while zlib's threads and
// the sockets to Redis still work on that upload. None of them may read freed memory.
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, deflateSync } from 'node:zlib';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { headerChunk, pngChunk, pngSignature } from '../../functions/testing/drawn-png.ts';
import { until } from '../../functions/testing/until.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { isFull } from '../support/full.ts';

const times = isFull ? 50 : 4;
const [width, height] = isFull ? [6000, 4000] : [3000, 2000];
const rowBytes = 1 + 3 * width;
const tiles = Math.ceil(width / 256) * Math.ceil(height / 256);

/**
 * Unfiltered rows of noise: inflating them takes long and everything else is quick, so zlib's thread is
 * nearly always busy.
 */
const rows = randomFillSync(Buffer.allocUnsafe(rowBytes * height));
for (let at = 0; at < rows.length; at++) rows[at] = at % rowBytes === 0 ? 0 : rows[at] & 63;
const png = Buffer.concat([
  pngSignature,
  headerChunk({ width, height, colorType: 2, bitDepth: 8 }),
  pngChunk('IDAT', deflateSync(rows, { level: 1, strategy: constants.Z_HUFFMAN_ONLY })),
  pngChunk('IEND', Buffer.alloc(0)),
]);

class Upload {
  readonly request: ClientRequest;
  /** The status of the answer; null if the connection ends without one. */
  readonly status: Promise<number | null>;

  constructor(url: string, name: string) {
    const headers = { 'content-length': png.length };
    this.request = request(`${url}/?name=${name}`, { method: 'POST', headers });
    this.request.on('error', () => {}); // Some are cut off on purpose; `close` follows.
    const response = once(this.request, 'response') as Promise<[IncomingMessage]>;
    const closed = once(this.request, 'close').then(() => null);
    this.status = Promise.race([response.then(([{ statusCode = 0 }]) => statusCode), closed]).catch(
      () => null,
    );
  }
}

describe.each(['file', 'redis'])('split with STORE=%s survives and stays correct', (store) => {
  let server: RedisServer;
  let redis: Redis;
  let split: FunctionProcess;
  let url: string;
  let folder: string;

  beforeAll(async () => {
    server = await RedisServer.start();
    redis = server.connect();
    redis.on('error', () => {}); // Redis is killed here.
    folder = await mkdtemp(join(tmpdir(), 'tessera-uploads-'));
    split = new FunctionProcess('split', {
      env: {
        REDIS_URL: server.url,
        STORE: store,
        INPUT_PATH: folder,
        OUTPUT_PATH: folder,
        LOG_LEVEL: 'silent',
        // glibc then overwrites freed memory, so reading it gives wrong pixels instead of the right ones by
        // luck.
        MALLOC_PERTURB_: '165',
      },
    });
    url = await split.healthy();
  });

  afterAll(async () => {
    await split.stop();
    redis.disconnect();
    await server.stop();
    await rm(folder, { recursive: true });
  });

  /** Starts an upload and resolves at some moment of its intake, another one in each round. */
  async function uploadUntil(round: number): Promise<Upload> {
    await redis.flushall();
    const upload = new Upload(url, `${round}.png`);
    if (round % 4 === 3) {
      const sent = once(upload.request, 'drain');
      upload.request.write(png.subarray(0, png.length / 2));
      await sent;
      upload.request.end(png.subarray(png.length / 2));
    } else upload.request.end(png);
    if (store === 'redis' && round % 4 === 2) {
      await untilAlive(
        'the upload to reach Redis',
        async () => (await redis.keys('image:*:*upload*')).length > 0,
      );
    } else if (round % 4 !== 3) {
      const moment = 1 + ((7 * round) % (tiles / 3));
      await untilAlive('some tiles', async () => (await redis.llen('image:job:queue')) >= moment);
    }
    return upload;
  }

  async function untilAlive(what: string, check: () => Promise<boolean>): Promise<void> {
    await until(what, async () => {
      expect(split.end).toBe(null);
      return check();
    });
  }

  const faults: [what: string, strike: (upload: Upload) => Promise<unknown>, statuses: (number | null)[]][] =
    [
      [
        'images are cancelled while they are split',
        async () => {
          const [id] = await until('the image', async () => {
            const ids = await redis.zrange('image:images', '0', '-1');
            return ids.length > 0 && ids;
          });
          const response = await fetch(`${url}/images/${id}`, { method: 'DELETE' });
          expect(response.status).toBe(200);
        },
        [202],
      ],
      [
        'Redis is lost while images are split',
        async ({ status }) => {
          await server.kill();
          await status;
          await server.restart();
          await split.healthy();
        },
        [202, 503],
      ],
      ['callers go away', async ({ request }) => request.destroy(), [null, 202]],
    ];

  test.each(faults)('when %s', { timeout: 600_000 }, async (_what, strike, statuses) => {
    const seen = new Set<number | null>();
    for (let round = 0; round < times; round++) {
      const upload = await uploadUntil(round);
      await strike(upload);
      seen.add(await upload.status);
      expect(split.end).toBe(null);
    }
    expect(statuses).toEqual(expect.arrayContaining([...seen]));

    await until('the last image to settle', async () => {
      const [before, after] = [await redis.dbsize(), await redis.dbsize()];
      return before === after;
    });
    await redis.flushall();
    const response = await fetch(`${url}/?name=last.png`, { method: 'POST', body: png });
    expect(response.status).toBe(202);
    await expectAllTiles(((await response.json()) as { id: string }).id);
  });

  /** Checks that every tile of an image is on the queue, and that those of the first row have its pixels. */
  async function expectAllTiles(id: string): Promise<void> {
    const jobs = await redis.lrange('image:job:queue', 0, -1);
    expect(jobs.filter((job) => job.startsWith(`${id}:`))).toHaveLength(tiles);
    const halo = 7;
    for (let tile = 0; tile * 256 < width; tile++) {
      const left = Math.max(0, tile * 256 - halo);
      const right = Math.min(width, (tile + 1) * 256 + halo);
      const lines = Array.from({ length: 256 + halo }, (_, y) =>
        rows.subarray(y * rowBytes + 1 + 3 * left, y * rowBytes + 1 + 3 * right),
      );
      const source = await redis.getBuffer(`image:${id}:src:${tile}`);
      expect(source?.equals(Buffer.concat(lines))).toBe(true);
    }
  }
});
