import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readName } from '../../functions/lib/store/names.ts';
import { filterNames, type FilterName } from '../../functions/lib/filters/registry.ts';
import { outputName, outputNames, uploadNames } from '../../functions/lib/store/output-names.ts';
import { earlierJpegResult, earlierResult } from '../../functions/testing/earlier-result.ts';
import { openShell, present, type Shell } from './shell.ts';

/** The answers of the fake split to `METHOD /path`; the last answer is repeated. */
interface Answer {
  status?: number;
  json?: unknown;
  text?: string;
  /** Seconds; null for no header. */
  retryAfter?: number | null;
  /** Closes the connection instead of answering, or never answers. */
  silence?: 'cut' | 'endless';
}

let shell: Shell;
let server: Server;
let url: string;
let folder: string;
let answers: Map<string, Answer[]>;
/** What the fake split does with `?wait=`: like this release, like a split that does not know it, or like the last release. */
let waits: 'waits' | 'ignores' | 'refuses';
/** Answers uploads that are not in `answers`. */
let answerUpload: ((name: string, body: string) => Answer) | null;
let asked: {
  line: string;
  host?: string;
  type?: string;
  authorization?: string;
  expect?: string;
  body: string;
}[];

beforeAll(async () => {
  shell = await openShell(['kubectl']);
  server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.close();
  await shell.clean();
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-run-'));
  answers = new Map();
  waits = 'waits';
  answerUpload = null;
  asked = [];
});

afterEach(() => rm(folder, { recursive: true }));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const line = `${request.method} ${decodeURIComponent(request.url ?? '')}`;
  const { host, 'content-type': type, authorization, expect } = request.headers;
  asked.push({ line, host, type, authorization, expect, body: await readBody(request) });
  const uploaded = uploadedName(line);
  if (uploaded !== undefined && answerUpload)
    answers.set(line, [answerUpload(uploaded, asked[asked.length - 1].body)]);
  const [, statusLine] = /^(GET \/images\/[^/?]+)\?wait=(?:[1-9]|[12]\d|30)$/.exec(line) ?? [];
  if (statusLine !== undefined && waits === 'refuses') answers.set(line, [noQuery]);
  const queue = answers.get(line) ??
    answers.get(statusLine) ?? [{ status: 404, json: { title: `unexpected ${line}` } }];
  const next = queue.length > 1 ? (queue.shift() ?? queue[0]) : queue[0];
  const { status = 200, json, text, retryAfter = 1, silence } = next;
  if (silence === 'cut') request.socket.destroy();
  if (silence) return;
  response.setHeader('content-type', 'application/json');
  if (retryAfter !== null) response.setHeader('retry-after', retryAfter);
  response.writeHead(status).end(text ?? JSON.stringify(json));
}

const noQuery: Answer = {
  status: 400,
  json: { code: 'invalid-request', detail: 'The query has "wait"; this request takes no query parameters.' },
};

/** Returns the name of an upload. */
function uploadedName(line: string): string | undefined {
  return /^POST \/\?name=(.*?)(?:&filter=\w+)?$/.exec(line)?.[1];
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

const accepted = (id: string, name: string): Answer => ({
  status: 202,
  json: { id, name, width: 8, height: 6, tiles: 2, status: 'splitting' },
});

const status = (id: string, name: string, state: string, done: number): Answer => ({
  json: {
    id,
    name,
    status: state,
    done,
    tiles: 2,
    error: state === 'failed' ? 'a tile was given up' : null,
    output: `${name}_blurred.png`,
  },
});

/** Sends files called `names` to a split that stores results by their names, and checks that it loses none. */
async function sendAll(names: string[], filter?: FilterName): ReturnType<Shell['run']> {
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), name);
  }
  answerUpload = (name, body) => {
    const id = `i${asked.length}`;
    const output = outputName(name, filter);
    answers.set(`GET /images/${id}`, [
      { json: { id, name, status: 'done', done: 2, tiles: 2, error: null, output } },
    ]);
    answers.set(`GET /images/${id}/result`, [{ text: body }]);
    return accepted(id, name);
  };
  const options = filter === undefined ? [] : ['--filter', filter];
  const outcome = await run(...names.map((name) => join(folder, name)), ...options);
  const sent = asked.flatMap(({ line }) => uploadedName(line) ?? []);
  expect(new Set(sent.map((name) => outputName(readName(name)).toLowerCase())).size).toBe(names.length);
  return outcome;
}

const run = (...args: string[]): ReturnType<Shell['run']> =>
  shell.run('run.sh', [...args, '--url', url, '--out', join(folder, 'out')]);

describe('run.sh', () => {
  it('sends a file, waits for it and fetches its result', async () => {
    await writeFile(join(folder, 'cat.png'), 'pixels');
    answers.set('POST /?name=cat.png&kernel=21', [accepted('i1', 'cat.png')]);
    answers.set('GET /images/i1', [
      status('i1', 'cat.png', 'splitting', 0),
      status('i1', 'cat.png', 'blurring', 1),
      status('i1', 'cat.png', 'done', 2),
    ]);
    answers.set('GET /images/i1/result', [{ text: 'blurred' }]);
    const { code, stdout } = await run(join(folder, 'cat.png'), '--kernel', '21');
    expect(stdout.split('\n').slice(0, 4)).toEqual([
      'cat.png sent: 8x6, 2 tiles',
      'cat.png splitting 0/2',
      'cat.png blurring 1/2',
      'cat.png done 2/2',
    ]);
    expect(stdout).toContain('images=1 done=1 failed=0\n');
    expect(asked[0]).toMatchObject({ type: 'image/png', body: 'pixels' });
    expect(await readFile(join(folder, 'out/cat.png_blurred.png'), 'utf8')).toBe('blurred');
    expect(code).toBe(0);
  });

  it.each(['waits', 'ignores', 'refuses'] as const)('follows an image with a split that %s', async (how) => {
    waits = how;
    await writeFile(join(folder, 'cat.png'), 'pixels');
    answers.set('POST /?name=cat.png', [accepted('i1', 'cat.png')]);
    const steps = [0, 0, 1, 1].map((done) => status('i1', 'cat.png', 'blurring', done));
    answers.set('GET /images/i1', [...steps, status('i1', 'cat.png', 'done', 2)]);
    answers.set('GET /images/i1/result', [{ text: 'blurred' }]);
    const { code, stdout } = await run(join(folder, 'cat.png'));
    expect(stdout).toContain('cat.png blurring 0/2\ncat.png blurring 1/2\ncat.png done 2/2\n');
    const lines = asked.map(({ line }) => line).filter((line) => /^GET .*i1(\?|$)/.test(line));
    const waiting = lines.filter((line) => line === 'GET /images/i1?wait=30');
    expect(waiting).toHaveLength(how === 'refuses' ? 1 : 4);
    expect(lines).toHaveLength(how === 'refuses' ? 6 : 5);
    expect(code).toBe(0);
  });

  it('lets split wait only shortly for the first of several images', async () => {
    for (const name of ['a.png', 'b.png']) {
      await writeFile(join(folder, name), 'pixels');
      answers.set(`POST /?name=${name}`, [accepted(name, name)]);
    }
    const blurring = (name: string) => status(name, name, 'blurring', 1);
    const failed = (name: string) => status(name, name, 'failed', 1);
    answers.set('GET /images/a.png', [
      blurring('a.png'),
      blurring('a.png'),
      blurring('a.png'),
      failed('a.png'),
    ]);
    answers.set('GET /images/b.png', [blurring('b.png'), failed('b.png')]);
    expect((await run(folder)).code).toBe(1);
    expect(asked.slice(2).map(({ line }) => line)).toEqual([
      'GET /images/a.png',
      'GET /images/b.png',
      'GET /images/a.png?wait=2',
      'GET /images/b.png',
      'GET /images/a.png?wait=30',
      'GET /images/a.png?wait=30',
    ]);
  });

  it('does not wait for 100 Continue before a large file, because split never sends it', async () => {
    await writeFile(join(folder, 'large.png'), Buffer.alloc(2_000_000));
    answers.set('POST /?name=large.png', [accepted('i1', 'large.png')]);
    answers.set('GET /images/i1', [status('i1', 'large.png', 'done', 2)]);
    answers.set('GET /images/i1/result', [{ text: 'blurred' }]);
    expect((await run(join(folder, 'large.png'))).code).toBe(0);
    expect(asked[0].body).toHaveLength(2_000_000);
    expect(asked[0].expect).toBe(undefined);
  });

  it('sends every image of a folder, and continues after a refused one', async () => {
    await mkdir(join(folder, 'in'));
    for (const name of ['a.png', 'b.JPG', 'notes.txt']) await writeFile(join(folder, 'in', name), name);
    answers.set('POST /?name=a.png', [
      { status: 415, json: { title: 'Unsupported', detail: 'These are no pixels.' } },
    ]);
    answers.set('POST /?name=b.JPG', [accepted('i2', 'b.JPG')]);
    answers.set('GET /images/i2', [status('i2', 'b.JPG', 'done', 2)]);
    answers.set('GET /images/i2/result', [{ text: 'blurred' }]);
    const { code, stdout } = await run(join(folder, 'in'));
    expect(stdout).toContain('a.png refused: These are no pixels.');
    expect(stdout).toContain('images=2 done=1 failed=1');
    expect(asked.find((each) => each.line === 'POST /?name=b.JPG')?.type).toBe('image/jpeg');
    expect(code).toBe(1);
  });

  it('skips files that are not images, and lists them', async () => {
    const within = join(folder, 'in');
    await mkdir(join(within, 'frames.png'), { recursive: true });
    await mkdir(join(within, 'sub'));
    for (const name of ['photo.png', '._photo.png', '.DS_Store', 'b.webp', 'c.heic', 'motion_blurred.png'])
      await writeFile(join(within, name), name);
    await writeFile(join(within, 'photo_blurred.png'), earlierResult());
    await symlink('photo.png', join(within, 'link.png'));
    await symlink('nothing.png', join(within, 'broken.png'));
    answers.set('POST /?name=photo.png', [accepted('i1', 'photo.png')]);
    answers.set('POST /?name=link.png', [accepted('i2', 'link.png')]);
    answers.set('POST /?name=motion_blurred.png', [accepted('i3', 'motion_blurred.png')]);
    const { code, stdout } = await run(within, '--no-wait');
    expect(stdout).toContain(
      '5 skipped: b.webp, broken.png (a broken link), c.heic, photo_blurred.png (the result of an earlier run), sub/\n',
    );
    expect(asked.map(({ line }) => line)).toEqual([
      'POST /?name=link.png',
      'POST /?name=motion_blurred.png',
      'POST /?name=photo.png',
    ]);
    expect(code).toBe(0);
  });

  it('keeps names, and no result replaces another, here or at split', async () => {
    const names = [
      'été à la plage (1).jpg',
      '照片 & 100%+.png',
      'a.png',
      'a.jpg',
      'x/a.png',
      'A.PNG',
      'b.jpg',
    ];
    const { code, stdout } = await sendAll(names);
    expect(stdout).toContain('images=7 done=7 failed=0\n');
    const written = await readdir(join(folder, 'out'));
    const hash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 8);
    expect(written.sort()).toEqual(
      [
        `A.PNG~${hash('A.PNG')}_blurred.png`,
        'a.jpg_blurred.png',
        `a.png~${hash(join(folder, 'a.png'))}_blurred.png`,
        `a.png~${hash(join(folder, 'x/a.png'))}_blurred.png`,
        'b_blurred.png',
        'été à la plage (1)_blurred.png',
        '照片 & 100%+_blurred.png',
      ].sort(),
    );
    expect(await readFile(join(folder, 'out/a.jpg_blurred.png'), 'utf8')).toBe('a.jpg');
    expect(code).toBe(0);
  });

  it.each(filterNames)('names results by the same rule as split and npm start: %s', async (filter) => {
    const long = '照'.repeat(82);
    const twins = ['aBcDeFGhIJKlmNOpqrstuvwx.png', 'aBCDeFGhijkLMNopQrstuvwx.png']; // The same 8 digits of a hash.
    const made = outputNames(['c.png', 'C.png'])[0].replace('_blurred.png', '');
    const short = [
      'a.png',
      'A.png',
      'a.jpg',
      'tom.jpg.png',
      'tom.jpg',
      'tom.png',
      'c.png',
      'C.png',
      'one.png',
      'dog',
      'dog.png',
    ];
    const names = short.concat(twins, made, `${made}.png`, `${long}.png`, `${long}.jpg`, `${long}.JPG`);
    await sendAll(names, filter);
    const written = await readdir(join(folder, 'out'));
    expect(written.sort()).toEqual(outputNames(names, names, filter).sort());
  });

  it('sends a file that is given twice once', async () => {
    await writeFile(join(folder, 'a.png'), 'a');
    answers.set('POST /?name=a.png', [accepted('i1', 'a.png')]);
    const { stdout } = await run(join(folder, 'a.png'), folder, '--no-wait');
    expect(stdout).toContain('images=1 sent=1 refused=0\n');
  });

  it('continues if a result is gone', async () => {
    await writeFile(join(folder, 'cat.png'), 'pixels');
    answers.set('POST /?name=cat.png', [accepted('i1', 'cat.png')]);
    answers.set('GET /images/i1', [status('i1', 'cat.png', 'done', 2)]);
    answers.set('GET /images/i1/result', [
      { status: 410, json: { title: 'Gone', detail: 'It was replaced.' } },
    ]);
    const { code, stdout } = await run(join(folder, 'cat.png'));
    expect(stdout).toContain('no result for cat.png_blurred.png: It was replaced.');
    expect(stdout).toContain('images=1 done=0 failed=1\n');
    expect(code).toBe(1);
  });

  it('continues if a result cannot be written', async () => {
    await mkdir(join(folder, 'out/a_blurred.png'), { recursive: true });
    const { code, stdout } = await sendAll(['a.png', 'b.png']);
    const path = join(folder, 'out/a_blurred.png');
    expect(stdout).toContain(`${path} cannot be written\n`);
    expect(stdout).toContain('images=2 done=1 failed=1\n');
    expect(code).toBe(1);
  });

  it('requests all inputs in as many requests as split needs, and keeps their folders', async () => {
    const page = (id: string, name: string, next: unknown): Answer => ({
      status: 202,
      json: {
        images: [accepted(id, name).json],
        skipped: { count: 1, files: [{ name: 'b.webp', reason: 'not a .png or .jpg' }] },
        next,
      },
    });
    answers.set('POST /', [
      page('i1', 'x/a.png', { kernel: 9, after: 'x/a.png' }),
      page('i2', '../y/a.png', null),
    ]);
    for (const [id, name] of [
      ['i1', 'x/a.png'],
      ['i2', '../y/a.png'],
    ]) {
      answers.set(`GET /images/${id}`, [
        { json: { id, name, status: 'done', done: 2, tiles: 2, output: `${id}/x/a_blurred.png` } },
      ]);
      answers.set(`GET /images/${id}/result`, [{ text: name }]);
    }
    const { code, stdout } = await run('--all', '--kernel', '9');
    expect(
      asked.filter(({ line }) => line === 'POST /').map(({ body }) => JSON.parse(body) as unknown),
    ).toEqual([{ kernel: 9 }, { kernel: 9, after: 'x/a.png' }]);
    expect(stdout).toContain('1 skipped: b.webp (not a .png or .jpg)\n');
    expect(stdout).toContain('images=2 done=2 failed=0\n');
    expect(await readFile(join(folder, 'out/x/a_blurred.png'), 'utf8')).toBe('x/a.png');
    expect(await readFile(join(folder, 'out/y/a_blurred.png'), 'utf8')).toBe('../y/a.png');
    expect(code).toBe(0);
  });

  it('requests another filter with its parameters, for an upload and for a folder', async () => {
    await writeFile(join(folder, 'cat.png'), 'pixels');
    answers.set('POST /?name=cat.png&filter=sharpen&kernel=9&amount=1.5', [accepted('i1', 'cat.png')]);
    answers.set('POST /', [{ status: 202, json: { images: [accepted('i1', 'cat.png').json], next: null } }]);
    const options = ['--filter', 'sharpen', '--kernel', '9', '--set', 'amount=1.5', '--no-wait'];
    for (const what of [[join(folder, 'cat.png')], ['--all']])
      expect((await run(...what, ...options)).stdout).toContain('images=1 sent=1 refused=0\n');
    expect(JSON.parse(asked[1].body)).toEqual({ filter: 'sharpen', kernel: 9, amount: 1.5 });
    expect((await run('--all', '--set', 'amount')).stderr).toContain(
      '--set is amount; NAME=VALUE is required',
    );
  });

  it('asks for JPEGs, and names their results by the same rule', async () => {
    const names = ['a.png', 'A.png', 'b.jpg'];
    answerUpload = null;
    for (const name of names) await writeFile(join(folder, name), name);
    const outputs = outputNames(names, names, 'sharpen', 'jpeg');
    const sent = uploadNames(
      names,
      names.map((name) => join(folder, name)),
      'sharpen',
      'jpeg',
    );
    for (const [at, name] of sent.entries()) {
      answers.set(`POST /?name=${name}&filter=sharpen&format=jpeg&quality=80`, [accepted(`i${at}`, name)]);
      const done = { id: `i${at}`, name, status: 'done', done: 2, tiles: 2, error: null };
      answers.set(`GET /images/i${at}`, [{ json: { ...done, output: outputName(name, 'sharpen', 'jpeg') } }]);
      answers.set(`GET /images/i${at}/result`, [{ text: name }]);
    }
    const options = ['--filter', 'sharpen', '--format', 'jpeg', '--quality', '80'];
    const { code, stdout } = await run(...names.map((name) => join(folder, name)), ...options);
    expect(stdout).toContain('images=3 done=3 failed=0\n');
    expect((await readdir(join(folder, 'out'))).sort()).toEqual(outputs.sort());
    expect(code).toBe(0);
    await writeFile(join(folder, 'c_blurred.jpg'), earlierJpegResult());
    expect((await run(folder, '--format', 'jpeg')).stdout).toContain(
      'c_blurred.jpg (the result of an earlier run)',
    );
  });

  it('skips results of every filter', async () => {
    for (const filter of filterNames)
      await writeFile(join(folder, outputName('cat.png', filter)), earlierResult());
    await writeFile(join(folder, 'cat.png'), 'pixels');
    answers.set('POST /?name=cat.png', [accepted('i1', 'cat.png')]);
    const { stdout } = await run(folder, '--no-wait');
    expect(stdout).toContain(`${filterNames.length} skipped: cat_`);
    expect(stdout).toContain('images=1 sent=1 refused=0\n');
  });

  it('can make split read a stored folder', async () => {
    const refusal = {
      name: 'bad.png',
      status: 'refused',
      error: { title: 'Unsupported', detail: 'No pixels.' },
    };
    answers.set('POST /', [{ status: 202, json: { images: [accepted('i3', 'c.png').json, refusal] } }]);
    answers.set('GET /images/i3', [status('i3', 'c.png', 'done', 2)]);
    answers.set('GET /images/i3/result', [{ text: 'blurred' }]);
    const { code, stdout } = await run('--input', 'holiday', '--kernel', '9');
    expect(JSON.parse(asked[0].body)).toEqual({ input: 'holiday', kernel: 9 });
    expect(stdout).toContain('bad.png refused: No pixels.');
    expect(stdout).toContain('images=2 done=1 failed=1');
    expect(code).toBe(1);
  });

  it('waits if split is full', async () => {
    await writeFile(join(folder, 'cat.png'), 'pixels');
    answers.set('POST /?name=cat.png', [{ status: 429, json: { title: 'Full' } }, accepted('i4', 'cat.png')]);
    const { code, stdout } = await run(join(folder, 'cat.png'), '--no-wait', '--host', 'split.example.com');
    expect(stdout).toContain('images=1 sent=1 refused=0');
    expect(asked.map((each) => each.host)).toEqual(['split.example.com', 'split.example.com']);
    expect(code).toBe(0);
  });

  it('reports a failed image, and why it failed', async () => {
    await writeFile(join(folder, 'cat.png'), 'pixels');
    answers.set('POST /?name=cat.png', [accepted('i5', 'cat.png')]);
    answers.set('GET /images/i5', [status('i5', 'cat.png', 'failed', 1)]);
    const { code, stdout } = await run(join(folder, 'cat.png'));
    expect(stdout).toContain('cat.png: a tile was given up');
    expect(stdout).toContain('images=1 done=0 failed=1');
    expect(await readdir(join(folder, 'out'))).toEqual([]);
    expect(code).toBe(1);
  });

  it('says that Redis has lost its data if split no longer knows an image, and waits for the others', async () => {
    for (const name of ['cat.png', 'dog.png']) {
      await writeFile(join(folder, name), 'pixels');
      answers.set(`POST /?name=${name}`, [accepted(name, name)]);
    }
    const forgotten = { code: 'not-found', title: 'Not found', detail: 'There is no image "cat.png".' };
    answers.set('GET /images/cat.png', [
      status('cat.png', 'cat.png', 'blurring', 1),
      { status: 404, json: forgotten },
    ]);
    answers.set('GET /images/dog.png', [status('dog.png', 'dog.png', 'failed', 1)]);
    const { code, stdout } = await run(folder);
    expect(stdout).toContain(
      'cat.png is lost: split accepted it and does not know it any more. Redis has lost its data (docs/DEPLOY.md, "Redis"). Send it again.\n',
    );
    expect(stdout).toContain('dog.png: a tile was given up');
    expect(stdout).toContain('images=2 done=0 failed=2');
    expect(code).toBe(1);
  });

  it('stops after its time limit', async () => {
    await writeFile(join(folder, 'cat.png'), 'pixels');
    answers.set('POST /?name=cat.png', [accepted('i6', 'cat.png')]);
    answers.set('GET /images/i6', [status('i6', 'cat.png', 'blurring', 1)]);
    const { code, stderr } = await run(join(folder, 'cat.png'), '--timeout', '1');
    expect(stderr).toContain('not over after 1 s: cat.png');
    const waits = asked.flatMap(({ line }) => /wait=(\d+)/.exec(line)?.[1] ?? []);
    expect(waits.filter((seconds) => seconds !== '1')).toEqual([]);
    expect(code).toBe(2);
  });

  it('sends the token from a file or from its environment, on no command line and in no output', async () => {
    const token = 'run-token-0123456789==';
    await writeFile(join(folder, 'cat.png'), 'pixels');
    await writeFile(join(folder, 'token'), `${token}\n`);
    answers.set('POST /?name=cat.png', [accepted('i8', 'cat.png')]);
    answers.set('GET /images/i8', [status('i8', 'cat.png', 'done', 2)]);
    answers.set('GET /images/i8/result', [{ text: 'blurred' }]);
    const args = [join(folder, 'cat.png'), '--url', url, '--out', join(folder, 'out')];
    const recording = await openShell([], ['curl']);
    const runs = [
      await recording.run('run.sh', [...args, '--token-file', join(folder, 'token')]),
      await recording.run('run.sh', args, [], { TESSERA_TOKEN: token }),
    ];
    await recording.clean();
    expect(asked.map((each) => each.authorization)).toEqual(Array(6).fill(`Bearer ${token}`));
    for (const { code, calls, stdout, stderr } of runs) {
      expect(code).toBe(0);
      expect(calls).toHaveLength(3);
      expect([...calls, stdout, stderr].join('\n')).not.toContain(token);
    }
  });

  it.each([
    ['a file that is not there', ['--token-file', 'none'], {}, 'none cannot be read'],
    ['two tokens', [], { TESSERA_TOKEN: 'first-0123456789 second-0123456789' }, 'not one token'],
    ['another header', [], { TESSERA_TOKEN: 'first-0123456789\nX-Other: 1' }, 'not one token'],
    ['no file', ['--token-file'], {}, '--token-file needs a value'],
  ])('refuses a token that is %s, without showing it', async (_what, args, env, said) => {
    const { code, stderr } = await shell.run('run.sh', ['cat.png', '--url', url, ...args], [], env);
    expect(stderr).toContain(said);
    expect(stderr).not.toContain('0123456789');
    expect(asked).toEqual([]);
    expect(code).toBe(2);
  });

  it.each([
    ['a file that is not there', ['missing.png'], 'there is no'],
    ['a folder without images', ['.'], 'no image to send'],
    ['nothing to send', [], 'one of these is required'],
    ['stored inputs and files at once', ['x.png', '--input', 'y'], 'one of these is required'],
    ['a kernel that is no number', ['x.png', '--kernel', 'big'], '--kernel is an integer'],
  ])('refuses %s', async (_name, args, said) => {
    const at = args.map((each, index) => (index === 0 ? join(folder, each) : each));
    const { code, stderr } = await run(...at);
    expect(stderr).toContain(said);
    expect(asked).toEqual([]);
    expect(code).toBe(2);
  });

  it.each(['a file', '/proc/none'])('sends nothing if the results cannot go to %s', async (out) => {
    await writeFile(join(folder, 'cat.png'), 'pixels');
    await writeFile(join(folder, 'a file'), '');
    for (const what of [[join(folder, 'cat.png')], ['--all']]) {
      const args = [...what, '--url', url, '--out', resolve(folder, out)];
      const { code, stderr } = await shell.run('run.sh', args);
      expect(stderr).toBe(`error: results cannot be written to ${resolve(folder, out)}\n`);
      expect(asked).toEqual([]);
      expect(code).toBe(2);
    }
  });

  it('writes into a folder whose name begins with a dash', async () => {
    await writeFile(join(folder, '-cat.png'), 'pixels');
    answers.set('POST /?name=-cat.png', [accepted('i1', '-cat.png')]);
    answers.set('GET /images/i1', [status('i1', '-cat.png', 'done', 2)]);
    answers.set('GET /images/i1/result', [{ text: 'blurred' }]);
    const script = join(import.meta.dirname, '../../scripts/run.sh');
    await promisify(execFile)(script, ['./-cat.png', '--url', url, '--out', '-out'], { cwd: folder });
    expect(await readFile(join(folder, '-out/-cat.png_blurred.png'), 'utf8')).toBe('blurred');
  });

  it('prints no control characters of names', async () => {
    const name = 'cat\u001B[31m\ndog.png';
    await writeFile(join(folder, name), 'pixels');
    await writeFile(join(folder, `${name}.txt`), '');
    await writeFile(join(folder, 'a\u0007.png'), '');
    answers.set(`POST /?name=${name}`, [accepted('i1', name)]);
    answers.set('GET /images/i1', [status('i1', name, 'done', 2)]);
    answers.set('GET /images/i1/result', [{ text: 'blurred' }]);
    const sent = await run(folder);
    expect(sent.stdout).toContain('cat?[31m?dog.png sent: 8x6, 2 tiles\ncat?[31m?dog.png done 2/2\n');
    expect(sent.stdout).toContain('1 skipped: cat?[31m?dog.png.txt\n');
    expect(sent.stdout).toContain('a?.png refused: the file is empty\n');
    const second = { name, error: { detail: 'no picture' } };
    const skipped = { count: 1, files: [{ name, reason: 'no file' }] };
    answers.set('POST /', [
      { status: 202, json: { images: [accepted('i1', name).json, second], skipped, next: null } },
    ]);
    const stored = await run('--all', '--no-wait');
    expect(stored.stdout).toContain('cat?[31m?dog.png refused: no picture\n');
    const missing = await run(join(folder, 'no\u001B[2J.png'));
    expect(missing.stderr).toContain('no?[2J.png\n');
    for (const { stdout, stderr } of [sent, stored, missing])
      // oxlint-disable-next-line no-control-regex
      expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F]/);
  });

  it('reports a folder without images, alone or among others', async () => {
    for (const name of ['empty', 'texts', 'full']) await mkdir(join(folder, name));
    await writeFile(join(folder, 'texts/a.txt'), 'a');
    await writeFile(join(folder, 'full/cat.png'), 'pixels');
    const [empty, texts] = [join(folder, 'empty'), join(folder, 'texts')];
    const none = await run(empty, texts);
    const said = `no PNG or JPEG in ${empty} ${texts} (subfolders are not searched)\n`;
    expect(none.stderr).toBe(`error: there was no image to send: ${said}`);
    expect(none.code).toBe(2);
    answers.set('POST /?name=cat.png', [accepted('i1', 'cat.png')]);
    const some = await run(empty, texts, join(folder, 'full'), join(folder, 'full'), '--no-wait');
    expect(some.stdout).toContain(said);
    expect(some.code).toBe(0);
  });

  it('does not send what is not a file, or empty', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe.png')]);
    await writeFile(join(folder, 'empty.png'), '');
    const { code, stdout } = await run(join(folder, 'pipe.png'), join(folder, 'empty.png'));
    expect(stdout).toContain('pipe.png refused: it is no file');
    expect(stdout).toContain('empty.png refused: the file is empty');
    expect(asked).toEqual([]);
    expect(code).toBe(1);
  });

  it('sends a file that is named explicitly, whatever its name', async () => {
    await writeFile(join(folder, 'scan'), 'pixels');
    answers.set('POST /?name=scan', [accepted('i1', 'scan')]);
    expect((await run(join(folder, 'scan'), '--no-wait')).code).toBe(0);
    expect(asked[0]).toMatchObject({ type: 'application/octet-stream', body: 'pixels' });
  });

  it("asks the cluster for split's address, and says if there is none", async () => {
    await writeFile(join(folder, 'cat.png'), 'pixels');
    answers.set('POST /?name=cat.png', [accepted('i7', 'cat.png')]);
    const args = [join(folder, 'cat.png'), '--no-wait', '--namespace', 'other'];
    const rules = [
      { call: 'kubectl --namespace other get service.serving.knative.dev split', stdout: url },
      ...present('namespace other', 'service.serving.knative.dev split'),
    ];
    expect((await shell.run('run.sh', args, rules)).code).toBe(0);
    const { code, stderr } = await shell.run('run.sh', args, present('namespace other'));
    expect(stderr).toBe('error: namespace other has no split with a URL: scripts/deploy.sh, or give --url\n');
    expect(code).toBe(2);
  });

  it.each([
    [
      'connects',
      'http://127.0.0.1:1',
      /^error: split cannot be reached at http:\/\/127\.0\.0\.1:1: curl: .*onnect/,
    ],
    ['has the name', 'http://no-such-host.invalid', /curl: .*resolve/],
  ])('says in one line that nobody %s, however many files there are', async (_what, address, said) => {
    for (const name of ['a.png', 'b.png']) await writeFile(join(folder, name), name);
    const { code, stdout, stderr } = await shell.run('run.sh', [folder, '--url', address]);
    expect(stderr).toMatch(said);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('stops after its time limit if split accepts the request and never answers', async () => {
    await writeFile(join(folder, 'cat.png'), 'pixels');
    answers.set('POST /?name=cat.png', [{ silence: 'endless' }]);
    const { code, stderr } = await run(join(folder, 'cat.png'), '--timeout', '1');
    expect(stderr).toMatch(/^error: split cannot be reached at .*timed out/);
    expect(asked).toHaveLength(1);
    expect(code).toBe(2);
  });

  it('does not wait longer than its time limit', async () => {
    await writeFile(join(folder, 'cat.png'), 'pixels');
    answers.set('POST /?name=cat.png', [{ status: 429, json: { detail: 'No room.' }, retryAfter: 3000 }]);
    const { code, stdout } = await run(join(folder, 'cat.png'), '--timeout', '20');
    expect(stdout).toContain('cat.png refused: No room.');
    expect(asked).toHaveLength(1);
    expect(code).toBe(1);
  });

  it('shows in one line the answer of another server than split', async () => {
    await writeFile(join(folder, 'cat.png'), 'pixels');
    answers.set('POST /?name=cat.png', [{ status: 404, text: '<html>\n  no such\n  host</html>\n' }]);
    const { code, stdout } = await run(join(folder, 'cat.png'));
    expect(stdout).toContain('cat.png refused: HTTP 404: <html> no such host</html>');
    expect(code).toBe(1);
  });

  it.each<[string, Answer]>([
    ['a connection that was cut', { silence: 'cut' }],
    ['an ingress without a pod to ask', { status: 503, text: 'no healthy upstream', retryAfter: null }],
  ])('retries after %s', async (_what, first) => {
    await writeFile(join(folder, 'cat.png'), 'pixels');
    answers.set('POST /?name=cat.png', [first, accepted('i4', 'cat.png')]);
    const { code, stdout } = await run(join(folder, 'cat.png'), '--no-wait');
    expect(stdout).toContain('images=1 sent=1 refused=0');
    expect(asked).toHaveLength(2);
    expect(code).toBe(0);
  });
});
