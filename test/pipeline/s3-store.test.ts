// What only a bucket has: parts, pages, conditions, and the faults of a service over the network. A real
// S3 server is behind a proxy that checks signatures and injects faults.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { labelChunk } from '../../functions/lib/image/png/label.ts';
import { signature } from '../../functions/lib/image/png/chunks.ts';
import { LabelledResults } from '../../functions/lib/store/labelled-results.ts';
import { S3Bucket } from '../../functions/lib/store/s3-bucket.ts';
import { S3Store } from '../../functions/lib/store/s3-store.ts';
import type { StoredFile } from '../../functions/lib/store/store.ts';
import { codeOf } from '../../functions/testing/problem-code.ts';
import { until } from '../../functions/testing/until.ts';
import { keys, S3Front, s3Environment, type SeenRequest, type Trouble } from '../support/s3-front.ts';

const MEBIBYTE = 1024 * 1024;
const id = 'a'.repeat(24);
const settings = () => ({ s3Endpoint: s3.endpoint, s3Region: 'auto', s3PathStyle: 'auto' }) as const;

let s3: S3Front;
beforeAll(async () => {
  s3 = await S3Front.start(['tests']);
});
beforeEach(() => {
  for (const [name, value] of Object.entries(s3Environment(s3.endpoint))) vi.stubEnv(name, value);
});
afterEach(() => {
  vi.unstubAllEnvs();
  s3.reset();
});
afterAll(() => s3.stop());

function storeIn(prefix: string, { bucket = 'tests', leftOut = '' } = {}): S3Store {
  const opened = new S3Bucket(bucket, settings());
  const hidden = leftOut === '' ? null : { bucket, prefix: leftOut };
  return new S3Store(async () => opened, { bucket, prefix }, hidden);
}

/** Returns the beginning of a result of image `owner`, as far as a store looks at it. */
function labelled(owner: string): Buffer {
  return Buffer.concat([signature, Buffer.alloc(25), labelChunk(owner)]);
}

async function* inPieces(bytes: Buffer, pieceBytes = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

async function contents(store: S3Store, name: string): Promise<Buffer | null> {
  return contentsOf(await store.open(name));
}

async function contentsOf(file: StoredFile | null): Promise<Buffer | null> {
  return file && buffer(file.read());
}

const isPart = ({ method, query }: SeenRequest) => method === 'PUT' && query.has('partNumber');

/** Injects faults into the first requests of one kind, and lets the others pass. */
function troubleWith(is: (seen: SeenRequest) => boolean, trouble: Trouble, times = Infinity): void {
  let left = times;
  s3.trouble = (seen) => (is(seen) && left-- > 0 ? trouble : null);
}

describe('writing an object', () => {
  it('takes one request for a small one, and keeps what a client needs to show it', async () => {
    await storeIn('small/').write('a/été (1).png', [labelled(id)], id);
    const [put, ...others] = s3.seen;
    expect(others).toEqual([]);
    expect([put.method, put.path]).toEqual(['PUT', 'tests/small/a/été (1).png']);
    expect(put.headers).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': "inline; filename*=UTF-8''%C3%A9t%C3%A9%20%281%29.png",
      'x-amz-meta-tessera-image': id,
    });
  });

  it.each<[string, Uint8Array, string]>([
    ['a JPEG', Buffer.from([0xff, 0xd8, 0xff, 0xe0]), 'image/jpeg'],
    ['anything else', Buffer.from('text'), 'application/octet-stream'],
    ['nothing', Buffer.alloc(0), 'application/octet-stream'],
  ])('gives %s its own content type', async (_what, bytes, type) => {
    await storeIn('types/').write('a.png', [bytes], id);
    expect(s3.seen[0].headers['content-type']).toBe(type);
  });

  it('sends a large one in parts of one size, while it is being made', async () => {
    const bytes = randomBytes(20 * MEBIBYTE + 5);
    const pieces = 210;
    let made = 0;
    let madeAtFirstPart = Infinity;
    s3.trouble = (seen) => {
      if (isPart(seen)) madeAtFirstPart = Math.min(madeAtFirstPart, made);
      return null;
    };
    async function* making(): AsyncGenerator<Uint8Array> {
      for await (const piece of inPieces(bytes)) {
        made++;
        yield piece;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    const store = storeIn('large/');
    await store.write('a.png', making(), id);
    const lengths = s3.requests('PUT', 'partNumber').map(({ headers }) => Number(headers['content-length']));
    expect(lengths).toEqual([8 * MEBIBYTE, 8 * MEBIBYTE, 4 * MEBIBYTE + 5]);
    expect(made).toBe(pieces);
    expect(madeAtFirstPart).toBeLessThan(pieces);
    expect((await contents(store, 'a.png'))?.equals(bytes)).toBe(true);
  });

  it.each([8 * MEBIBYTE, 8 * MEBIBYTE + 1, 16 * MEBIBYTE])('writes %i bytes whole', async (size) => {
    const bytes = randomBytes(size);
    const store = storeIn('sizes/');
    await store.write('a.png', inPieces(bytes), id);
    expect((await contents(store, 'a.png'))?.equals(bytes)).toBe(true);
  });

  it('aborts when the source fails after the first part: the old object stays, and no part', async () => {
    const store = storeIn('failing/');
    await store.write('a.png', [Buffer.from('old')]);
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(9 * MEBIBYTE);
      throw new Error('the source broke');
    }
    await expect(store.write('a.png', failing())).rejects.toThrow('the source broke');
    expect((await contents(store, 'a.png'))?.toString()).toBe('old');
    expect(s3.requests('DELETE', 'uploadId')).toHaveLength(1);
  });

  it('sends a part again when the connection is cut in it', async () => {
    const bytes = randomBytes(20 * MEBIBYTE);
    const store = storeIn('cut/');
    troubleWith(isPart, 'cut while sending', 2);
    await store.write('a.png', inPieces(bytes), id);
    expect(s3.requests('PUT', 'partNumber')).toHaveLength(5);
    expect((await contents(store, 'a.png'))?.equals(bytes)).toBe(true);
  });

  it('is not done twice when the reply to a part or to the object is lost', async () => {
    const bytes = randomBytes(9 * MEBIBYTE);
    const store = storeIn('lost/');
    troubleWith(isPart, 'cut before the reply', 1);
    await store.write('a.png', inPieces(bytes), id);
    expect((await contents(store, 'a.png'))?.equals(bytes)).toBe(true);
    troubleWith(({ method }) => method === 'PUT', 'cut before the reply', 1);
    await store.write('b.png', [Buffer.from('small')], id);
    expect((await store.list('')).names).toEqual(['a.png', 'b.png']);
  });

  it('says so, and leaves nothing behind, when a part is refused for good', async () => {
    const store = storeIn('refused/');
    troubleWith(isPart, { status: 503, code: 'SlowDown' });
    await expect(store.write('a.png', inPieces(randomBytes(9 * MEBIBYTE)), id)).rejects.toMatchObject({
      code: 'storage-unavailable',
      message: 'The storage of the bucket "tests" is busy (SlowDown).',
      retryAfterSeconds: 30,
    });
    expect(await store.open('a.png')).toBeNull();
    expect(s3.requests('DELETE', 'uploadId')).toHaveLength(1);
  });
});

describe('reading an object', () => {
  it('reads only the version that was opened', async () => {
    const store = storeIn('versions/');
    await store.write('a.png', [Buffer.from('old')]);
    for (const change of [() => store.write('a.png', [Buffer.from('new')]), () => store.remove('a.png')]) {
      const file = await store.open('a.png');
      await change();
      expect(await codeOf(() => contentsOf(file))).toBe('storage-unavailable');
    }
  });

  it('fails when the connection is cut in the middle, rather than end early', async () => {
    const store = storeIn('half/');
    await store.write('a.png', [randomBytes(3 * MEBIBYTE)]);
    const file = await store.open('a.png');
    troubleWith(({ method }) => method === 'GET', 'cut in the reply');
    expect(await codeOf(() => contentsOf(file))).toBe('storage-unavailable');
    expect(await codeOf(() => store.read('a.png', 9 * MEBIBYTE))).toBe('storage-unavailable');
  });

  it('opens an empty object, and one whose service ignores ranges', async () => {
    const store = storeIn('odd/');
    await store.write('empty.png', []);
    expect(await store.open('empty.png')).toMatchObject({ sizeBytes: 0, head: Buffer.alloc(0) });
    await store.write('a.png', [randomBytes(MEBIBYTE)]);
    s3.trouble = () => 'ignore the range';
    const file = await store.open('a.png');
    expect([file?.sizeBytes, file?.head.length]).toEqual([MEBIBYTE, 128]);
  });

  it('says that an object is archived', async () => {
    const store = storeIn('archived/');
    s3.trouble = () => ({ status: 403, code: 'InvalidObjectState' });
    for (const use of [() => store.open('a.png'), () => store.read('a.png', 1)])
      expect(await codeOf(use)).toBe('unreadable-file');
  });

  it('finds a name whose accents are stored as a Mac does', async () => {
    const store = storeIn('accents/');
    const stored = 'plage/été.png'.normalize('NFD');
    await s3.put(`tests/accents/${stored}`, Buffer.from('x'));
    const [name] = (await store.list('plage')).names;
    expect(name).toBe(stored.normalize('NFC'));
    expect(Buffer.from(await store.read(name, 1)).toString()).toBe('x');
    expect(await store.remove(name)).toBe(true);
  });
});

describe('removing an object', () => {
  it('removes only the version that was looked at', async () => {
    const store = storeIn('remove/');
    await store.write('a.png', [Buffer.from('mine')]);
    await store.remove('a.png');
    const [request] = s3.requests('DELETE');
    expect(request.headers['if-match']).toMatch(/^"[0-9a-f]{32}"$/);
  });

  it.each<[string, Trouble, boolean]>([
    ['another has replaced it', { status: 412, code: 'PreconditionFailed' }, true],
    ['the service knows no conditions', { status: 501, code: 'NotImplemented' }, false],
  ])('when %s', async (_what, trouble, isThere) => {
    const store = storeIn('conditions/');
    await store.write('a.png', [Buffer.from('x')]);
    troubleWith(({ method, headers }) => method === 'DELETE' && 'if-match' in headers, trouble);
    expect(await store.remove('a.png')).toBe(!isThere);
    expect((await store.open('a.png')) !== null).toBe(isThere);
  });
});

describe('listing a bucket', () => {
  it('pages through thousands of keys', async () => {
    const names = Array.from({ length: 2500 }, (_, at) => `${String(at).padStart(5, '0')}.png`);
    for (let at = 0; at < names.length; at += 50) {
      const some = names.slice(at, at + 50);
      await Promise.all(some.map((name) => s3.put(`tests/many/${name}`, Buffer.from('x'))));
    }
    s3.reset();
    expect((await storeIn('').list('many')).names).toEqual(names.map((name) => `many/${name}`));
    expect(s3.requests('GET', 'list-type')).toHaveLength(3);
    const walked = await Array.fromAsync(storeIn('many/').walk());
    expect(walked.map(({ name }) => name)).toEqual(names);
  });

  it('finds a folder, an object, or nothing', async () => {
    const store = storeIn('folders/');
    for (const name of ['holidays/a.png', 'holidays/sub/b.jpg', 'holidays.png', 'holidays2/c.png'])
      await store.write(name, [Buffer.from('x')]);
    expect((await store.list('holidays')).names).toEqual(['holidays/a.png', 'holidays/sub/b.jpg']);
    expect((await store.list('holidays.png')).names).toEqual(['holidays.png']);
    expect(await codeOf(() => store.list('holiday'))).toBe('not-found');
    expect((await storeIn('nothing/').list('')).names).toEqual([]);
  });

  it('reads keys that XML cannot contain', async () => {
    const bucket = new S3Bucket('tests', settings());
    s3.trouble = ({ query }) => (query.has('list-type') ? 'encode keys' : null);
    await storeIn('xml/').write('a +&<b>.png', [Buffer.from('x')]);
    expect(await Array.fromAsync(bucket.list('xml/'))).toMatchObject([{ key: 'xml/a +&<b>.png' }]);
    await storeIn('xml/').write('b-NOT-UTF-8.png', [Buffer.from('x')]);
    expect(await storeIn('xml/').list('')).toEqual({
      names: ['a +&<b>.png'],
      skipped: [{ name: 'b-\ufffd.png', reason: 'its name is not UTF-8' }],
    });
  });

  it('leaves out results, those in the place for results without looking into them', async () => {
    const store = storeIn('shared/', { leftOut: 'shared/out/' });
    await store.write('a.png', [Buffer.from('x')]);
    await store.write('a_blurred.png', [labelled(id)], id);
    await store.write('out/b_blurred.png', [labelled(id)], id);
    s3.reset();
    expect(await store.list('')).toEqual({
      names: ['a.png'],
      skipped: [{ name: 'a_blurred.png', reason: 'the result of an earlier run' }],
    });
    expect(s3.seen.map(({ path }) => path)).not.toContain('tests/shared/out/b_blurred.png');
  });
});

describe('results in a bucket that expire', () => {
  it('are removed when they have expired; young ones are not even opened', async () => {
    const store = storeIn('expiring/');
    await store.write('a_blurred.png', [labelled(id)], id);
    await store.write('foreign_blurred.png', [Buffer.from('not ours')]);
    s3.reset();
    await new LabelledResults(store, 3600).expire();
    expect(s3.seen).toHaveLength(1);
    vi.useFakeTimers({ now: Date.now() + 2 * 3_600_000, toFake: ['Date'] });
    try {
      await new LabelledResults(store, 3600).expire();
    } finally {
      vi.useRealTimers();
    }
    expect((await Array.fromAsync(store.walk())).map(({ name }) => name)).toEqual(['foreign_blurred.png']);
  });
});

describe('a service that is slow', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each<[string, (store: S3Store) => Promise<unknown>]>([
    ['an object', (store) => store.read('a.png', MEBIBYTE)],
    ['an object that an event names', (store) => store.readObject('a.png', MEBIBYTE)],
    ['a listing', (store) => store.list('')],
  ])('is given up when it does not send %s for 20 s, and is not asked again', async (_what, read) => {
    s3.trouble = () => 'never reply';
    const failed = codeOf(() => read(storeIn('silent/')));
    await until('a request', () => s3.seen.length > 0);
    vi.advanceTimersByTime(20_000);
    expect(await failed).toBe('storage-unavailable');
    expect(s3.seen).toHaveLength(1);
  });

  it('may take longer to send an object once it has begun', async () => {
    const bytes = randomBytes(16 * MEBIBYTE);
    await s3.put('tests/moving/a.png', bytes);
    const chunks: Uint8Array[] = [];
    for await (const chunk of (await storeIn('moving/').open('a.png'))?.read() ?? []) {
      chunks.push(chunk);
      vi.advanceTimersByTime(1000);
    }
    expect(chunks.length).toBeGreaterThan(20);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });
});

describe('a service in trouble', () => {
  it.each<[string, Trouble]>([
    ['it is busy', { status: 503, code: 'SlowDown' }],
    ['it fails', { status: 500, code: 'InternalError' }],
    ['the connection is cut', 'cut before the reply'],
  ])('is asked again when %s', async (_what, trouble) => {
    const store = storeIn('again/');
    await store.write('a.png', [Buffer.from('x')]);
    troubleWith(() => true, trouble, 2);
    expect(Buffer.from(await store.read('a.png', 1)).toString()).toBe('x');
    troubleWith(() => true, trouble, 2);
    expect((await store.list('')).names).toEqual(['a.png']);
  });

  it('is asked again with its own time when its clock is another one', async () => {
    s3.clockOffsetMs = 3_600_000;
    const store = storeIn('clock/');
    await store.write('a.png', [Buffer.from('x')]);
    expect(s3.seen).toHaveLength(2);
    expect((await contents(store, 'a.png'))?.toString()).toBe('x');
    expect(s3.seen).toHaveLength(4);
  });

  const accessKeyId = 'AKIAUNKNOWN';
  it.each<[string, string, () => S3Store]>([
    [
      'the key is unknown',
      'The credentials for the bucket "tests" are missing or wrong (InvalidAccessKeyId).',
      () => {
        vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
        return storeIn('');
      },
    ],
    [
      'the secret is wrong',
      'The credentials for the bucket "tests" are missing or wrong (SignatureDoesNotMatch).',
      () => {
        vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'a wrong secret');
        return storeIn('');
      },
    ],
    [
      'there are no credentials',
      'The credentials for the bucket "tests" are missing or wrong (CredentialsProviderError).',
      () => {
        for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, undefined);
        vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
        vi.stubEnv('HOME', '/nowhere');
        return storeIn('');
      },
    ],
    ['the bucket is missing', 'There is no bucket "another".', () => storeIn('', { bucket: 'another' })],
    [
      'the clock is wrong whatever is sent',
      'The bucket "tests" refuses requests because this machine\'s clock is wrong (RequestTimeTooSkewed).',
      () => {
        troubleWith(() => true, { status: 403, code: 'RequestTimeTooSkewed' });
        return storeIn('');
      },
    ],
    [
      'the bucket is elsewhere',
      'The bucket "tests" is in another region; set S3_REGION (PermanentRedirect).',
      () => {
        troubleWith(() => true, { status: 301, code: 'PermanentRedirect' });
        return storeIn('');
      },
    ],
    [
      'the region is not known',
      'The region is not known; set S3_REGION.',
      () => {
        for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION']) vi.stubEnv(name, undefined);
        vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
        const bucket = new S3Bucket('tests', { ...settings(), s3Endpoint: 'aws' });
        return new S3Store(async () => bucket, { bucket: 'tests', prefix: '' });
      },
    ],
    [
      'a policy denies it',
      'Access to the bucket "tests" is denied (AccessDenied).',
      () => {
        troubleWith(() => true, { status: 403, code: 'AccessDenied' });
        return storeIn('');
      },
    ],
    [
      'it cannot be reached',
      'The storage of the bucket "tests" cannot be reached (ECONNREFUSED).',
      () => {
        const bucket = new S3Bucket('tests', { ...settings(), s3Endpoint: 'http://127.0.0.1:9' });
        return new S3Store(async () => bucket, { bucket: 'tests', prefix: '' });
      },
    ],
  ])('is named in one sentence, without a secret, when %s', async (_what, message, open) => {
    const store = open();
    const uses: (() => Promise<unknown>)[] = [
      () => store.open('a.png'),
      () => store.read('a.png', 1),
      () => store.list(''),
      () => store.write('a.png', [Buffer.from('x')]),
      () => store.write('a.png', [Buffer.alloc(9 * MEBIBYTE)]),
      () => store.remove('a.png'),
    ];
    for (const use of uses) {
      const thrown = await use().then(
        () => null,
        (error: unknown) => error,
      );
      expect(thrown).toMatchObject({ code: 'storage-unavailable', message });
      expect(String((thrown as Error).cause)).not.toContain(keys.secretAccessKey);
    }
  });
});
