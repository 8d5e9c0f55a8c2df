// Requests for images under INPUT_PATH, with everything there that people and systems put into folders.
import { earlierResult } from '../../functions/testing/earlier-result.ts';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Redis } from 'ioredis';
import { FunctionProcess } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { picture, toPng } from '../../functions/testing/pictures.ts';

interface Answer {
  images: { name: string; status: string; error?: { code: string; detail: string } }[];
  skipped: { count: number; files: { name: string; reason: string }[] };
  next: Record<string, unknown> | null;
}

let server: RedisServer;
let redis: Redis;
let split: FunctionProcess;
let url: string;
let root: string;
let folder: string;
let png: Buffer;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.connect();
  root = await mkdtemp(join(tmpdir(), 'tessera-stored-'));
  folder = join(root, 'in');
  png = await toPng(picture(30, 20), 3);
  const env = {
    REDIS_URL: server.url,
    INPUT_PATH: folder,
    OUTPUT_PATH: join(root, 'out'),
    MAX_BODY_BYTES: '100000',
  };
  split = new FunctionProcess('split', { env: { ...env, LOG_LEVEL: 'silent' } });
  url = await split.healthy();
});

afterAll(async () => {
  await split.stop();
  redis.disconnect();
  await server.stop();
  await rm(root, { recursive: true });
});

beforeEach(() => mkdir(folder));
afterEach(async () => {
  await rm(folder, { recursive: true });
  await redis.flushall();
});

async function put(name: string, bytes: Uint8Array | string = png): Promise<void> {
  await mkdir(dirname(join(root, name)), { recursive: true });
  await writeFile(join(root, name), bytes);
}

async function post(body: unknown, to = url): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(to, {
    method: 'POST',
    body: JSON.stringify(body),
    headers,
    signal: AbortSignal.timeout(30_000),
  });
}

describe('a request for one file', () => {
  it.each([
    ['pipe', /is a pipe, not a file/],
    ['socket', /is a socket or a device, not a file/],
    ['circle', /is a link that leads to itself/],
    ['large.png', /has 100001 bytes/],
    ['empty.png', /./],
    ['outside', /There is no/],
    ['null', /There is no/],
    ['file.png/x.png', /There is no/],
  ])('is refused with a reason if it is %s', async (input, detail) => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const socket = createServer().listen(join(folder, 'socket'));
    await once(socket, 'listening');
    await symlink('circle', join(folder, 'circle'));
    await symlink('/etc/hostname', join(folder, 'outside'));
    await symlink('/dev/null', join(folder, 'null'));
    await put('in/large.png', Buffer.alloc(100_001));
    await put('in/empty.png', '');
    await put('in/file.png');
    const response = await post({ input });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect((await response.json()) as { detail: string }).toMatchObject({
      detail: expect.stringMatching(detail) as string,
    });
    expect(await redis.llen('image:job:queue')).toBe(0);
    socket.close();
  });

  it('is accepted whatever the name of the file', async () => {
    await put('in/pixels.dat');
    const response = await post({ input: 'pixels.dat' });
    expect(response.status).toBe(202);
    expect(response.headers.get('location')).toMatch(/^\/images\/[0-9a-f]{24}$/);
  });
});

describe('a request for a folder', () => {
  it('takes in its images and lists what it skipped', async () => {
    for (const name of ['a.png', 'sub/b.PNG', '照片.png', 'x/été.png'.normalize('NFD')])
      await put(`in/${name}`);
    for (const name of [
      '._a.png',
      '.DS_Store',
      'frames.png/1.png',
      'motion_blurred.png',
      'c.webp',
      'sub/d.heic',
    ]) {
      await put(`in/${name}`);
    }
    await put('in/a_blurred.png', earlierResult());
    await put('in/bad.png', 'no pixels');
    await put('elsewhere/secret.png');
    await symlink('../elsewhere/secret.png', join(folder, 'secret.png'));
    await symlink('../elsewhere', join(folder, 'elsewhere'));
    await symlink('nothing.png', join(folder, 'gone.png'));
    await symlink('a.png', join(folder, 'link.png'));
    await symlink('..', join(folder, 'sub/loop'));
    execFileSync('mkfifo', [join(folder, 'pipe.png')]);

    const { images, skipped, next } = (await (await post({})).json()) as Answer;
    expect(images.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'a.png blurring',
      'bad.png refused',
      'link.png blurring',
      'motion_blurred.png blurring',
      'sub/b.PNG blurring',
      'x/été.png blurring'.normalize('NFC'),
      '照片.png blurring',
    ]);
    expect(skipped).toEqual({
      count: 7,
      files: [
        { name: 'a_blurred.png', reason: 'the result of an earlier run' },
        { name: 'c.webp', reason: 'not a .png or .jpg' },
        { name: 'elsewhere', reason: 'a link that leads out of the folder' },
        { name: 'gone.png', reason: 'a broken link' },
        { name: 'pipe.png', reason: 'neither a file nor a folder' },
        { name: 'secret.png', reason: 'a link that leads out of the folder' },
        { name: 'sub/d.heic', reason: 'not a .png or .jpg' },
      ],
    });
    expect(next).toBeNull();
  });

  it('of thousands of files takes in a thousand at a time, and lists a hundred of those it skipped', async () => {
    for (let file = 0; file < 1010; file++) await put(`in/many/${String(file).padStart(4, '0')}.png`);
    for (let file = 0; file < 500; file++) await writeFile(join(folder, `many/${file}.gif`), '');
    const first = (await (await post({ input: 'many', kernel: 3 })).json()) as Answer;
    expect(first.images.length).toBe(1000);
    expect(first.skipped.count).toBe(500);
    expect(first.skipped.files.length).toBe(100);
    expect(first.next).toEqual({ input: 'many', kernel: 3, after: 'many/0999.png' });
    const second = (await (await post(first.next)).json()) as Answer;
    expect(second.images.map(({ name }) => name)).toEqual(
      Array.from({ length: 10 }, (_, at) => `many/${1000 + at}.png`),
    );
    expect(second.next).toBeNull();
  });

  it('stops when there is no room, and says where to continue', async () => {
    for (const name of ['a.png', 'b.png', 'c.png'])
      await put(`in/${name}`, await toPng(picture(100, 100), 3));
    const env = {
      REDIS_URL: server.url,
      INPUT_PATH: folder,
      REDIS_BUDGET_BYTES: '150000',
      LOG_LEVEL: 'silent',
    };
    const small = new FunctionProcess('split', { env });
    const smallUrl = await small.healthy();
    const first = (await (await post({}, smallUrl)).json()) as Answer;
    const taken = first.images.map(({ name }) => name);
    expect(['a.png', 'a.png b.png']).toContain(taken.join(' '));
    expect(first.next).toEqual({ kernel: 15, after: taken.at(-1) });
    const second = await post(first.next, smallUrl);
    expect(second.status).toBe(429);
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0);
    await small.stop();
  });
});
