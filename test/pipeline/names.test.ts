// Names as people write them, from the request to the saved file.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Pipeline } from '../../local/pipeline.ts';
import { picture, toPixels, toPng } from '../../functions/testing/pictures.ts';
import { Caller } from '../support/caller.ts';
import { makeStoreHome, storeKinds, type StoreHome } from '../support/store-home.ts';

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

describe.each(storeKinds)('with STORE=%s', (store) => {
  let home: StoreHome;
  let folder: string;
  let caller: Caller;
  const logged: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tessera-names-'));
    await mkdir(join(folder, 'saved'));
    home = await makeStoreHome(store);
    const onLog = (_name: string, line: string) => logged.push(line);
    caller = new Caller(await Pipeline.start({ env: { ...home.env, LOG_LEVEL: 'debug' }, onLog }));
  });

  afterAll(async () => {
    await caller.pipeline.stop();
    await home.close();
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

  it.runIf(store !== 'redis')(
    'a folder keeps its names in the output, normalised whatever way they are stored',
    async () => {
      const png = await toPng(picture(20, 20), 3);
      await home.putInput('été/à.png'.normalize('NFD'), png);
      if (store === 'file') {
        const name = 'à la plage.png'.normalize('NFC');
        await home.putInput(`${'été'.normalize('NFD')}/${name}`, png);
      } else await home.putInput('été/à la plage.png'.normalize('NFC'), png);
      const images = await caller.postInputs('été'.normalize('NFC'), 3);
      const composed = ['été/à la plage.png', 'été/à.png'].map((each) => each.normalize('NFC'));
      expect(images.map(({ name }) => name)).toEqual(composed);
      for (const { id } of images) await caller.done(id);
      expect((await home.outputs()).filter((name) => name.includes('/'))).toEqual(
        ['été/à la plage_blurred.png', 'été/à_blurred.png'].map((each) => each.normalize('NFC')),
      );
    },
  );

  it('logs in ASCII', () => {
    expect(logged.some((line) => line.includes('\\u7167\\u7247.png'))).toBe(true);
    for (const line of logged) expect(line).toMatch(/^[\x20-\x7e]*$/);
  });
});
