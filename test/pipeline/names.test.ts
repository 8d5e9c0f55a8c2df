// Names as people write them, from the request to the saved file.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Pipeline } from '../../local/pipeline.ts';
import { picture, toPixels, toPng } from '../../functions/testing/pictures.ts';
import { Caller } from '../support/caller.ts';

const run = promisify(execFile);

const names: [name: string, output: string][] = [
  ['照片.png', '照片_blurred.png'],
  ['été à la plage (1).jpg', 'été à la plage (1)_blurred.png'],
  ['фото.jpg', 'фото_blurred.png'],
  ['👩‍👩‍👧 & "friends"; 100%+.png', '👩‍👩‍👧 & "friends"; 100%+_blurred.png'],
  [`a:b*?[c]{d}'|<>#=.png`, `a:b*?[c]{d}'|<>#=_blurred.png`],
  [' x ', ' x _blurred.png'],
  ['x'.repeat(255), `${'x'.repeat(210)}~d22609da3ae3956ca4877056a8e580ee_blurred.png`],
  ['照'.repeat(85), `${'照'.repeat(70)}~74dbcb6116b1c82042289a502e8b2b6e_blurred.png`],
];

describe.each(['file', 'redis'])('with STORE=%s', (store) => {
  let folder: string;
  let caller: Caller;
  const logged: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tessera-names-'));
    for (const each of ['in', 'saved']) await mkdir(join(folder, each));
    const env = { STORE: store, INPUT_PATH: join(folder, 'in'), OUTPUT_PATH: join(folder, 'out') };
    const onLog = (_name: string, line: string) => logged.push(line);
    caller = new Caller(await Pipeline.start({ env: { ...env, LOG_LEVEL: 'debug' }, onLog }));
  });

  afterAll(async () => {
    await caller.pipeline.stop();
    await rm(folder, { recursive: true });
  });

  it.each(names)(
    'an upload called %j keeps its name, and curl saves its result as %j',
    async (name, output) => {
      const url = caller.pipeline.splitUrl;
      const png = await toPng(picture(20, 20), 3);
      const response = await fetch(`${url}/?name=${encodeURIComponent(name)}&kernel=3`, {
        method: 'POST',
        body: png,
      });
      expect(response.headers.get('location')).toMatch(/^\/images\/[0-9a-f]{24}$/);
      const { id, name: kept } = (await response.json()) as { id: string; name: string };
      expect(kept).toBe(name);
      const status = await caller.done(id);
      expect(status.name).toBe(name);
      expect(status.output?.split('/').at(-1)).toBe(output);

      const saved = join(folder, 'saved', id);
      await mkdir(saved);
      await run('curl', ['--silent', '--fail', '-OJ', `${url}/images/${id}/result`], { cwd: saved });
      const [file] = await readdir(saved);
      // curl reads the plain form of the name, which cannot contain quotes.
      expect(file).toBe(status.output?.split('/').at(-1)?.replaceAll('"', '_'));
      expect(await toPixels(await readFile(join(saved, file)))).toMatchObject({ width: 20, height: 20 });
    },
  );

  it('logs in ASCII', () => {
    expect(logged.some((line) => line.includes('\\u7167\\u7247.png'))).toBe(true);
    for (const line of logged) expect(line).toMatch(/^[\x20-\x7e]*$/);
  });
});

describe('a folder under INPUT_PATH', () => {
  let folder: string;
  let caller: Caller;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tessera-names-'));
    const env = { INPUT_PATH: join(folder, 'in'), OUTPUT_PATH: join(folder, 'out'), LOG_LEVEL: 'warn' };
    caller = new Caller(await Pipeline.start({ env }));
  });

  afterAll(async () => {
    await caller.pipeline.stop();
    await rm(folder, { recursive: true });
  });

  it('keeps its names in the output, normalised whatever way they are stored', async () => {
    const png = await toPng(picture(20, 20), 3);
    const stored = [
      join('été'.normalize('NFD'), 'à.png'.normalize('NFD')),
      join('été'.normalize('NFD'), 'à la plage.png'.normalize('NFC')),
    ];
    for (const each of ['été'.normalize('NFD')]) await mkdir(join(folder, 'in', each), { recursive: true });
    for (const each of stored) await writeFile(join(folder, 'in', each), png);
    const images = await caller.postInputs('été'.normalize('NFC'), 3);
    const composed = ['été/à la plage.png', 'été/à.png'].map((each) => each.normalize('NFC'));
    expect(images.map(({ name }) => name)).toEqual(composed);
    for (const { id } of images) await caller.done(id);
    expect((await readdir(join(folder, 'out', 'été'.normalize('NFC')))).sort()).toEqual(
      ['à la plage_blurred.png', 'à_blurred.png'].map((each) => each.normalize('NFC')),
    );
  });
});
