import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { execFileSync } from 'node:child_process';
import {
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Redis } from 'ioredis';
import { loadConfig } from '../../functions/lib/config.ts';
import { FileStore } from '../../functions/lib/store/file-store.ts';
import { ImageBlobs } from '../../functions/lib/queue/image-blobs.ts';
import { ImageLedger } from '../../functions/lib/queue/image-ledger.ts';
import { labelOf } from '../../functions/lib/image/label.ts';
import { labelChunk } from '../../functions/lib/image/png/label.ts';
import { signature } from '../../functions/lib/image/png/chunks.ts';
import { LabelledResults } from '../../functions/lib/store/labelled-results.ts';
import { RedisResults } from '../../functions/lib/store/redis-results.ts';
import { earlierResult } from '../../functions/testing/earlier-result.ts';
import { RedisUploads } from '../../functions/lib/store/redis-uploads.ts';
import { S3Bucket } from '../../functions/lib/store/s3-bucket.ts';
import { S3Store } from '../../functions/lib/store/s3-store.ts';
import { hasResult, type Results } from '../../functions/lib/store/results.ts';
import type { Store } from '../../functions/lib/store/store.ts';
import { openStores } from '../../functions/lib/store/stores.ts';
import { until } from '../../functions/testing/until.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { S3Front, s3Environment } from '../support/s3-front.ts';
import { codeOf } from '../../functions/testing/problem-code.ts';

let server: RedisServer;
let redis: Redis;
let folder: string;
let s3: S3Front;

beforeAll(async () => {
  s3 = await S3Front.start(['tests']);
  for (const [name, value] of Object.entries(s3Environment(s3.endpoint))) vi.stubEnv(name, value);
  server = await RedisServer.start();
  redis = server.connect();
  folder = await mkdtemp(join(tmpdir(), 'tessera-store-'));
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await s3.stop();
  redis.disconnect();
  await server.stop();
  await rm(folder, { recursive: true });
});

const text = (value: string) => Buffer.from(value);

async function contents(store: Store, name: string): Promise<string | null> {
  const file = await store.open(name);
  if (file === null) return null;
  try {
    return (await buffer(file.read())).toString();
  } finally {
    await file.close();
  }
}

async function names(store: Store, path: string): Promise<string[]> {
  return (await store.list(path)).names;
}

/** Returns a store under a prefix of the bucket. */
function bucketStore(prefix: string): S3Store {
  const bucket = new S3Bucket('tests', { s3Endpoint: s3.endpoint, s3Region: 'auto', s3PathStyle: 'auto' });
  return new S3Store(async () => bucket, { bucket: 'tests', prefix: `${prefix}/` });
}

const [A, B] = ['a'.repeat(24), 'b'.repeat(24)];

/** Starts an image under a new key prefix, so that Redis may keep things with it. */
async function begun(keyPrefix: string, id: string, name = 'photo.png'): Promise<ImageLedger> {
  const ledger = new ImageLedger(redis, { keyPrefix, recordTtlS: 60 });
  const plan = { name, width: 1, height: 1, tileSizePx: 1, recipe: '1', tiles: 1, output: '', owner: '' };
  expect(await ledger.begin(id, plan, { bytes: 1, budgetBytes: 100 })).toBe('begun');
  return ledger;
}

describe('the stores by the settings', () => {
  it.each<[Record<string, string>, boolean]>([
    [{ STORE: 'redis' }, true],
    [{ STORE: 'redis', STORED_INPUTS: 'off' }, false],
    [{ STORE: 'redis', OWN_IMAGES_ONLY: 'on' }, false],
    [{ STORE: 'file' }, false],
    [{ STORE: 's3', INPUT_PATH: 's3://tests/in', OUTPUT_PATH: 's3://tests/out' }, false],
  ])('with %j keep uploads: %s', (env, areKept) => {
    expect(openStores(loadConfig(env), redis).uploads !== null).toBe(areKept);
  });

  it('tell how much of the memory of Redis a file takes', () => {
    const bytes = (store: string) => openStores(loadConfig({ STORE: store }), redis).memoryBytes(5000);
    expect(bytes('file')).toBe(0);
    expect(bytes('redis')).toBeGreaterThan(5000);
  });
});

describe.each<[string, (name: string) => Store]>([
  ['a folder', (name) => new FileStore(join(folder, name))],
  ['a bucket', (name) => bucketStore(name)],
])('a store in %s', (kind, create) => {
  it('returns what was written, in pieces or whole', async () => {
    const store = create('roundtrip');
    await store.write('a.png', [text('one '), text('two')]);
    expect(await contents(store, 'a.png')).toBe('one two');
    const file = await store.open('a.png');
    expect(file).toMatchObject({ sizeBytes: 7, head: text('one two') });
    await file?.close();
    expect(Buffer.from(await store.read('a.png', 7)).toString()).toBe('one two');
  });

  it('returns many megabytes', async () => {
    const store = create('large');
    const chunk = Buffer.alloc(700_000, 'x');
    await store.write('a.png', [chunk, chunk, chunk, chunk, chunk]);
    expect((await contents(store, 'a.png'))?.length).toBe(3_500_000);
  });

  it('replaces a file as a whole', async () => {
    const store = create('replace');
    await store.write('a.png', [text('a long first version')]);
    await store.write('a.png', [text('short')]);
    expect(await contents(store, 'a.png')).toBe('short');
  });

  it('distinguishes a file from one that replaced it, even with the same bytes', async () => {
    const store = create('version');
    const versions = new Set<string>();
    // A service tells when an object was written to the second.
    const unit = kind === 'a bucket' ? 1000 : 1;
    for (const bytes of ['one', 'one', 'two']) {
      const now = Math.floor(Date.now() / unit);
      await until('the clock to move on', () => Math.floor(Date.now() / unit) > now);
      await store.write('a.png', [text(bytes)]);
      const file = await store.open('a.png');
      versions.add(file?.version ?? '');
      await file?.close();
    }
    expect(versions.size).toBe(3);
  });

  it('never mixes the bytes of one file with those of another that replaces it', async () => {
    const store = create('swap');
    const whole = 'a'.repeat(3_000_000);
    for (const change of [
      () => store.write('a.png', [Buffer.alloc(3_000_000, 'b')]),
      () => store.write('a.png', [text('short')]),
      () => store.remove('a.png'),
    ]) {
      await store.write('a.png', [text(whole)]);
      const file = await store.open('a.png');
      const chunks: Uint8Array[] = [];
      const reading = (async () => {
        for await (const chunk of file?.read() ?? []) if (chunks.push(chunk) === 1) await change();
        return Buffer.concat(chunks).toString();
      })();
      const read = await reading.catch((error: unknown) => String(error));
      expect([whole, 'Error: The file changed while it was read']).toContain(read);
      await file?.close();
    }
  });

  it('keeps the old file, and nothing else, when the writer fails', async () => {
    const store = create('failing');
    await store.write('a.png', [text('old')]);
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield text('half of the new');
      throw new Error('the source broke');
    }
    await expect(store.write('a.png', failing())).rejects.toThrow('the source broke');
    expect(await contents(store, 'a.png')).toBe('old');
    expect(await names(store, '')).toEqual(['a.png']);
    expect(await redis.keys('failing:partial:*')).toEqual([]);
  });

  it('lets two writers of one file end with one of them whole', async () => {
    const store = create('race');
    async function* slowly(value: string): AsyncGenerator<Uint8Array> {
      for (let piece = 0; piece < 20; piece++) {
        await new Promise((resolve) => setImmediate(resolve));
        yield text(value);
      }
    }
    const writers = await Promise.allSettled(['a', 'b'].map((value) => store.write('x.png', slowly(value))));
    expect(writers.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect(await contents(store, 'x.png')).toMatch(/^(a{20}|b{20})$/);
    expect(await names(store, '')).toEqual(['x.png']);
  });

  it('lists a folder, a file, or everything, in order', async () => {
    const store = create('list');
    for (const name of ['b.png', 'a.jpg', 'cats/tom.png', 'cats/old/kit.jpeg'])
      await store.write(name, [text('x')]);
    expect(await names(store, '')).toEqual(['a.jpg', 'b.png', 'cats/old/kit.jpeg', 'cats/tom.png']);
    expect(await names(store, 'cats')).toEqual(['cats/old/kit.jpeg', 'cats/tom.png']);
    expect(await names(store, 'b.png')).toEqual(['b.png']);
  });

  it('reports missing files', async () => {
    const store = create('missing');
    await store.write('a.png', [text('x')]);
    expect(await store.open('b.png')).toBeNull();
    expect(await codeOf(() => store.read('b.png', 10))).toBe('not-found');
    expect(await codeOf(() => store.list('b.png'))).toBe('not-found');
  });

  it('refuses to read more than allowed', async () => {
    const store = create('limit');
    await store.write('a.png', [text('12345')]);
    expect(await codeOf(() => store.read('a.png', 4))).toBe('body-too-large');
  });

  it('removes a file, and ignores a missing one', async () => {
    const store = create('remove');
    await store.write('a.png', [text('x')]);
    expect(await store.remove('a.png')).toBe(true);
    expect(await store.remove('a.png')).toBe(false);
    expect(await store.open('a.png')).toBeNull();
    expect(await names(store, '')).toEqual([]);
  });

  it('removes a file only if it is the intended one', async () => {
    const store = create('meant');
    await store.write('a.png', [text('old')]);
    expect(await store.remove('a.png', ({ head }) => head.toString() === 'new')).toBe(false);
    expect(await contents(store, 'a.png')).toBe('old');
    expect(await store.remove('a.png', ({ head }) => head.toString() === 'old')).toBe(true);
    expect(await names(store, '')).toEqual([]);
  });

  it.each([
    '照片.png',
    'été à la plage (1).jpg'.normalize('NFC'),
    'a b:c*?[d]{e}"\\.png',
    'a.png:0123456789ab.partial',
    'x'.repeat(255),
    `${'照/'.repeat(31)}照`,
  ])('stores a file called %j', async (name) => {
    const store = create('kept');
    await store.write('a.png', [text('another')]);
    await store.write(name, [text('bytes')]);
    expect(await contents(store, name)).toBe('bytes');
    expect(Buffer.from(await store.read(name, 5)).toString()).toBe('bytes');
    await store.remove(name);
    expect(await store.open(name)).toBeNull();
    expect(await contents(store, 'a.png')).toBe('another');
  });

  it.each([
    '../a.png',
    '/etc/passwd',
    'a//b',
    'a/../../b',
    '.',
    '..',
    'a\0b',
    '.hidden.png',
    'a\nb',
    `${'x'.repeat(252)}.png`,
  ])('refuses the name %j', async (name) => {
    const store = create('names');
    expect(await codeOf(() => store.write(name, [text('x')]))).toBe('invalid-name');
    expect(await codeOf(() => store.read(name, 10))).toBe('invalid-name');
    expect(await codeOf(() => store.open(name))).toBe('invalid-name');
    expect(await codeOf(() => store.remove(name))).toBe('invalid-name');
  });
});

describe('a store in a folder', () => {
  it('does not follow a link out of the folder', async () => {
    const root = join(folder, 'links');
    await mkdir(root);
    await writeFile(join(folder, 'secret.png'), 'secret');
    await symlink(join(folder, 'secret.png'), join(root, 'link.png'));
    const store = new FileStore(root);
    expect(await store.open('link.png')).toBeNull();
    expect(await codeOf(() => store.read('link.png', 100))).toBe('not-found');
  });

  it('removes what killed writers left', async () => {
    const root = join(folder, 'leftovers');
    const store = new FileStore(root);
    const killed = Promise.withResolvers<Uint8Array>();
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(10_000);
      yield await killed.promise;
    }
    const writers: [name: string, writer: string][] = [
      ['a.png', 'one'],
      ['a.png', 'two'],
      ['b.png', 'one'],
    ];
    const writing = writers.map(([name, writer]) => store.write(name, endless(), writer));
    await until('all to have begun', async () => (await readdir(root).catch(() => [])).length === 3);
    await store.write('a.png', [text('whole')], 'one');
    expect((await readdir(root)).filter((name) => name.endsWith('.partial'))).toHaveLength(2);
    expect(await readFile(join(root, 'a.png'), 'utf8')).toBe('whole');
    killed.reject(new Error('killed'));
    await Promise.allSettled(writing);
    expect(await readdir(root)).toEqual(['a.png']);
  });

  it('puts back a file that replaced the one to be removed', async () => {
    const root = join(folder, 'put-back');
    const store = new FileStore(root);
    await store.write('a.png', [text('mine')]);
    let looks = 0;
    const isMeant = () => ++looks === 1; // By the second look, someone has put another file there.
    expect(await store.remove('a.png', isMeant)).toBe(false);
    expect(await readdir(root)).toEqual(['a.png']);
    expect(await contents(store, 'a.png')).toBe('mine');
  });

  it('finds no file where there is a folder or a pipe', async () => {
    const root = join(folder, 'kinds');
    await mkdir(join(root, 'folder.png'), { recursive: true });
    execFileSync('mkfifo', [join(root, 'pipe.png')]);
    const store = new FileStore(root);
    expect(await store.open('folder.png')).toBeNull();
    expect(await store.open('pipe.png')).toBeNull();
  });

  it('reports a file that was cut short while it was read', async () => {
    const root = join(folder, 'cut');
    const store = new FileStore(root);
    await store.write('a.png', [Buffer.alloc(3_000_000)]);
    const file = await store.open('a.png');
    await truncate(join(root, 'a.png'), 2_000_000);
    await expect(Array.fromAsync(file?.read() ?? [])).rejects.toThrow('changed while it was read');
    await file?.close();
  });

  it('says when the folder cannot be written', async () => {
    await writeFile(join(folder, 'file'), 'not a folder');
    expect(await codeOf(() => new FileStore(join(folder, 'file')).write('a.png', [text('x')]))).toBe(
      'storage-unavailable',
    );
  });
});

describe('uploads in Redis', () => {
  it('are skipped if they say that they are results of earlier runs', async () => {
    const uploads = new RedisUploads(new ImageBlobs(redis, 'earlier'));
    await begun('earlier', A, 'a_blurred.png');
    await begun('earlier', B, 'motion_blurred.png');
    await uploads.keep(A, earlierResult());
    await uploads.keep(B, text('x'));
    expect(await uploads.list('')).toEqual({
      names: ['motion_blurred.png'],
      skipped: [{ name: 'a_blurred.png', reason: 'the result of an earlier run' }],
    });
  });

  it('are listed and read by their names while their images are in progress', async () => {
    const uploads = new RedisUploads(new ImageBlobs(redis, 'uploads'));
    const ledger = await begun('uploads', A, 'b.png');
    await begun('uploads', B, 'été 照片.jpg');
    await uploads.keep(A, text('one two'));
    await uploads.keep(B, text('x'));
    expect(await uploads.list('')).toEqual({ names: ['b.png', 'été 照片.jpg'], skipped: [] });
    expect((await uploads.list('b.png')).names).toEqual(['b.png']);
    expect(Buffer.from(await uploads.read('b.png', 7)).toString()).toBe('one two');
    expect(await codeOf(() => uploads.read('b.png', 6))).toBe('body-too-large');
    expect(await codeOf(() => uploads.read('c.png', 6))).toBe('not-found');
    expect(await codeOf(() => uploads.list('c.png'))).toBe('not-found');

    await ledger.cancel(A);
    expect((await uploads.list('')).names).toEqual(['été 照片.jpg']);
    expect(await codeOf(() => uploads.read('b.png', 7))).toBe('not-found');
    await uploads.keep(A, text('too late'));
    expect(await redis.keys('uploads:*:upload')).toEqual([`uploads:${B}:upload`]);
  });

  it('can be listed by the thousand', async () => {
    const names = Array.from({ length: 3000 }, (_, at) => `${at}.png`);
    await redis.hset('thousands:uploads', Object.fromEntries(names.map((name) => [name, A])));
    expect((await new RedisUploads(new ImageBlobs(redis, 'thousands')).list('')).names).toEqual(names.sort());
  });
});

describe.each<[string, (name: string) => Results]>([
  ['a folder', (name) => new LabelledResults(new FileStore(join(folder, name)), 0)],
  ['a bucket', (name) => new LabelledResults(bucketStore(`results-${name}`), 0)],
  ['Redis', (name) => new RedisResults(new ImageBlobs(redis, name))],
])('results in %s', (kind, create) => {
  /** Returns the bytes of a result, as far as a store checks them. */
  async function* resultOf(id: string, size = 100): AsyncGenerator<Uint8Array> {
    yield* [signature, Buffer.alloc(25), labelChunk(id), Buffer.alloc(size)];
  }

  it('are found where they were put', async () => {
    const results = create('found');
    if (kind === 'Redis') await begun('found', A);
    const place = results.placeOf(A, 'photo_blurred.png');
    expect(await results.open(A, place)).toEqual({ is: 'missing' });
    await results.write(A, place, resultOf(A, 3_000_000));
    expect(await hasResult(results, A, place)).toBe(true);
    const found = await results.open(A, place);
    if (found.is !== 'own') throw new Error(found.is);
    expect(found.file.sizeBytes).toBe(8 + 25 + 50 + 3_000_000);
    expect(labelOf(await buffer(found.file.read()))).toBe(A);
    await found.file.close();
  });

  it('of two images are never confused', async () => {
    const results = create('two');
    const places = [A, B].map((id) => results.placeOf(id, 'photo_blurred.png'));
    for (const [at, id] of [A, B].entries()) {
      if (kind === 'Redis') await begun('two', id);
      await results.write(id, places[at], resultOf(id));
    }
    const isA = await hasResult(results, A, places[0]);
    const found = isA ? null : await results.open(A, places[0]);
    expect([null, { is: 'replaced', by: B }]).toContainEqual(found);
    await results.remove(A, places[0]);
    expect(await hasResult(results, B, places[1])).toBe(true);
  });

  it('tell whose result was replaced', async () => {
    const results = create('replaced');
    const replaced: (string | null)[] = [];
    if (kind === 'Redis') for (const id of [A, B]) await begun('replaced', id);
    for (const id of [A, A, B]) {
      const place = results.placeOf(id, 'photo_blurred.png');
      replaced.push(await results.write(id, place, resultOf(id, 3_000_000)));
    }
    expect(replaced).toEqual([null, null, kind === 'Redis' ? null : A]);
  });
});

describe('results in a folder that expire', () => {
  const id = 'c'.repeat(24);
  const hour = 3600;

  /** Writes a result that is so many seconds old. */
  async function put(root: string, name: string, ageS: number, bytes = labelled(id)): Promise<void> {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), bytes);
    const then = Date.now() / 1000 - ageS;
    await utimes(join(root, name), then, then);
  }

  const labelled = (owner: string) => Buffer.concat([signature, Buffer.alloc(25), labelChunk(owner)]);

  async function left(root: string): Promise<string[]> {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .sort();
  }

  it('are removed when they have expired, and nothing else is', async () => {
    const root = join(folder, 'expiring');
    await put(root, 'old_blurred.png', hour + 1);
    await put(root, 'sub/deep/older_blurred.png', 9 * hour);
    await put(root, 'young_blurred.png', hour - 60);
    await put(root, 'not-a-result.png', 9 * hour);
    await put(root, 'foreign_blurred.png', 9 * hour, Buffer.from('not written by us'));
    await new LabelledResults(new FileStore(root), hour).expire();
    expect(await left(root)).toEqual(['foreign_blurred.png', 'not-a-result.png', 'young_blurred.png']);
  });

  it('stay without a limit', async () => {
    const root = join(folder, 'staying');
    await put(root, 'old_blurred.png', 9999 * hour);
    await new LabelledResults(new FileStore(root), 0).expire();
    expect(await left(root)).toEqual(['old_blurred.png']);
  });

  it('are removed in limited steps, each of which continues where the last one ended', async () => {
    const root = join(folder, 'steps');
    for (let file = 0; file < 250; file++) await put(root, `${file}_blurred.png`, 9 * hour);
    const results = new LabelledResults(new FileStore(root), hour);
    const counts: number[] = [];
    for (let step = 0; step < 4; step++) {
      await results.expire();
      counts.push((await left(root)).length);
    }
    expect(counts).toEqual([150, 50, 0, 0]);
    await put(root, 'late_blurred.png', 9 * hour);
    await results.expire();
    expect(await left(root)).toEqual([]);
  });

  it('ignore a folder that does not exist, or vanishes meanwhile', async () => {
    const results = new LabelledResults(new FileStore(join(folder, 'never')), hour);
    await results.expire();
    await put(join(folder, 'never'), 'a_blurred.png', 9 * hour);
    await results.expire();
    expect(await left(join(folder, 'never'))).toEqual([]);
  });
});
