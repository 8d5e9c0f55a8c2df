// The page in a real browser, with real functions behind it. Workers are started, held and killed by the test.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readFile } from 'node:fs/promises';
import type { Browser, BrowserContext } from 'playwright-core';
import { kill, patient, Rig } from '../../chaos/rig.ts';
import { convolve } from '../../functions/blur/convolve/convolve.ts';
import { picture, toPixels, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { findChromium, launch, openWindow, Visit, type Upload } from './browser.ts';

const chromium = await findChromium();
if (chromium === null)
  console.warn('The page is not tested: there is no Chromium here (apt-get install chromium).');

/** 12 tiles in 4 columns and 3 rows. */
const [width, height, tiles] = [500, 380, 12];
const settings = { TILE_SIZE: '128', KERNEL_SIZE: '15', MAX_ATTEMPTS: '2' };

let rig: Rig;
let browser: Browser;
let window: BrowserContext;
let visits: Visit[] = [];
let others: FunctionProcess[] = [];

/** Opens a window at an address of split that asks for nothing more. */
async function openBlankWindow(): Promise<BrowserContext> {
  return openWindow(browser, `${await rig.split.process.ready()}/health/live`);
}

async function open(url?: string): Promise<Visit> {
  const visit = await Visit.open(window, url ?? (await rig.split.process.ready()));
  visits.push(visit);
  return visit;
}

/** Starts another split on the same queue, with other settings. */
async function startSplit(env: Record<string, string>): Promise<string> {
  const split = new FunctionProcess('split', { env: { ...rig.workerEnv(), ...env } });
  others.push(split);
  return split.healthy();
}

async function upload(name: string, seed = 1): Promise<Upload> {
  return { name, bytes: await toPng(picture(width, height, 'opaque', seed), 3) };
}

/** Returns the id that split gives to the next picture. */
async function nextId({ page }: Visit): Promise<string> {
  const response = await page.waitForResponse((each) => each.request().method() === 'POST');
  return ((await response.json()) as { id: string }).id;
}

describe.skipIf(chromium === null)('the page in a browser', () => {
  beforeAll(async () => {
    rig = await Rig.start(settings);
    browser = await launch(chromium ?? '');
    window = await openBlankWindow();
  });

  afterEach(async () => {
    const complaints = visits.flatMap((visit) => visit.complaints);
    await Promise.all(visits.map((visit) => visit.close()));
    await Promise.all(others.map((split) => split.stop()));
    [visits, others] = [[], []];
    await rig.reset();
    expect(complaints).toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
    await rig?.stop();
  });

  it('shows a picture as its tiles, and downloads a result with the right pixels', async () => {
    const visit = await open();
    await visit.page.getByText('Drop a picture here').waitFor();
    expect(await visit.barriers()).toEqual([]);
    await visit.shoot('empty');
    await visit.page.getByLabel(/^Kernel/).fill('21');
    const file = await upload('photo.png');
    await visit.choose(file);
    const card = visit.card('photo.png');
    await card.getByRole('img', { name: `Tiles of photo.png: ${tiles} queued` }).waitFor();
    await visit.pipeline.getByText('None. They start when there is something to do.').waitFor();
    await rig.startWorker();
    await card.getByText(/^Done in/).waitFor();
    await visit.pipeline.getByText(`0 in flight · ${tiles} done`).waitFor();
    await visit.page.getByText('photo.png is done.').waitFor(); // For a screen reader.
    const link = card.getByRole('link', { name: 'Download' });
    const { name, path } = await visit.download(async () => link.click());
    expect(name).toBe('photo_blurred.png');
    const result = await toPixels(await readFile(path));
    expect(Buffer.compare(result.data, convolve(picture(width, height), 21).data)).toBe(0);
    expect(await visit.barriers()).toEqual([]);
  });

  it('takes several dropped pictures, and sends two at a time', async () => {
    const visit = await open();
    let [sending, most] = [0, 0];
    visit.page.on('request', (request) => {
      if (request.method() === 'POST') most = Math.max(most, ++sending);
    });
    visit.page.on('requestfinished', (request) => {
      if (request.method() === 'POST') sending--;
    });
    const names = ['a.png', 'b.png', 'c.png', 'd.png', 'e.png'];
    await visit.drop(...(await Promise.all(names.map(async (name, seed) => upload(name, seed)))));
    for (const name of names) await visit.card(name).getByText(`0 of ${tiles} tiles`).waitFor();
    expect(most).toBe(2);
  });

  it('cancels a picture, and sends it again', async () => {
    const visit = await open();
    const [id] = await Promise.all([nextId(visit), visit.choose(await upload('photo.png'))]);
    const card = visit.card('photo.png');
    await card.getByText(`0 of ${tiles} tiles`).waitFor();
    await card.getByRole('button', { name: 'Cancel' }).click();
    await card.getByText('Cancelled').waitFor();
    expect(await card.evaluate((each) => each === document.activeElement)).toBe(true);
    expect((await rig.status(id)).status).toBe('cancelled');
    await card.getByRole('button', { name: 'Try again' }).click();
    await rig.startWorker();
    await card.getByText(/^Done in/).waitFor();
  });

  it('finds the pictures in progress after a reload', async () => {
    const visit = await open();
    await visit.choose(await upload('photo.png'));
    const { passage } = await rig.startWorkerUntil({ step: 'ack', moment: 'request', nth: 5 }, patient);
    const card = visit.card('photo.png');
    await card.getByRole('img', { name: /\d done, \d+ in flight/ }).waitFor();
    await visit.page.reload();
    await card.getByRole('img', { name: /\d done, \d+ in flight/ }).waitFor();
    passage.pass();
    await card.getByRole('img', { name: 'The result of photo.png' }).waitFor();
    expect(await visit.page.getByRole('article').count()).toBe(1);
  });

  it('finds the pictures that its tab has sent where split does not list images', async () => {
    const visit = await open(await startSplit({ IMAGE_LIST: 'off' }));
    await visit.choose(await upload('photo.png'));
    await visit.card('photo.png').getByText(`0 of ${tiles} tiles`).waitFor();
    await visit.page.reload();
    await visit.card('photo.png').getByText(`0 of ${tiles} tiles`).waitFor();
    expect(await visit.page.getByRole('article').count()).toBe(1);
  });

  it('shows that a worker was killed, and completes the picture', async () => {
    const visit = await open();
    await visit.page.getByLabel(/^Kernel/).fill('61');
    await visit.page.getByRole('button', { name: 'Try a sample' }).click();
    const card = visit.card('hills.png');
    const { worker } = await rig.startWorkerUntil({ step: 'ack', moment: 'request', nth: 60 });
    await kill(worker);
    await visit.pipeline.getByText(/^lost · \d+ done/).waitFor();
    const { passage } = await rig.startWorkerUntil({ step: 'ack', moment: 'request', nth: 70 }, patient);
    await card.getByText(/tried more than once/).waitFor();
    await visit.shoot('killed');
    await visit.shoot('killed-dark', { isDark: true });
    expect(await visit.shoot('killed-narrow', { isNarrow: true })).toBe(360);
    expect(await visit.barriers()).toEqual([]);
    passage.pass();
    await card.getByText(/^Done in/).waitFor();
    await card.getByRole('img', { name: 'hills.png after' }).waitFor();
    await visit.shoot('done');
    await visit.shoot('done-dark', { isDark: true });
    await visit.shoot('done-narrow', { isDark: true, isNarrow: true });
  });

  it('says in plain words what is wrong with a file', async () => {
    const visit = await open();
    const { bytes } = await upload('cut.png');
    const files = {
      'cut.png': bytes.subarray(0, bytes.length / 2),
      'notes.png': Buffer.from('Not a picture.'),
      'empty.png': Buffer.alloc(0),
    };
    await visit.choose(...Object.entries(files).map(([name, bytes]) => ({ name, bytes })));
    await visit.card('cut.png').getByText('This file is damaged: it cannot be read as a picture.').waitFor();
    await visit.card('notes.png').getByText('This is not a picture that can be blurred here.').waitFor();
    await visit.card('empty.png').getByText('This file is empty.').waitFor();
    expect(await visit.barriers()).toEqual([]);
    await visit.shoot('problems');
    await visit.card('notes.png').getByRole('button', { name: 'Remove from this page' }).click();
    await visit.card('notes.png').waitFor({ state: 'detached' });
  });

  it('keeps a picture until there is room for it', async () => {
    const visit = await open(await startSplit({ REDIS_BUDGET_BYTES: '2000000', CLIENT_SHARE: '1' }));
    await visit.choose(await upload('first.png', 1));
    await visit.card('first.png').getByText(`0 of ${tiles} tiles`).waitFor();
    await visit.choose(await upload('second.png', 2));
    await visit.card('second.png').getByText('It is sent as soon as possible.').waitFor();
    await rig.startWorker();
    for (const name of ['first.png', 'second.png'])
      await visit
        .card(name)
        .getByText(/^Done in/)
        .waitFor();
    expect(await visit.page.getByText('as soon as possible').count()).toBe(0);
  });

  it('gives up on a file whose transfer breaks off again and again, though split answers', async () => {
    const visit = await open();
    await visit.page.route('**/?name=*', async (route) => route.abort());
    await visit.choose(await upload('photo.png'));
    const card = visit.card('photo.png');
    await card.getByText(/^The transfer broke off several times\./).waitFor();
    await visit.page.unrouteAll();
    await card.getByRole('button', { name: 'Try again' }).click();
    await card.getByText(`0 of ${tiles} tiles`).waitFor();
    expect(await card.getByRole('button', { name: 'Try again' }).count()).toBe(0);
  });

  it('asks for a token once, and fetches results with it', async () => {
    const url = await startSplit({ AUTH_TOKEN: 'alice:the-token-of-alice-1' });
    const visit = await open(url);
    const field = visit.page.getByLabel('Access token', { exact: true });
    await field.fill('not-the-token-of-alice');
    await visit.page.keyboard.press('Enter');
    const fault = visit.page.getByText('That token was not accepted.');
    await fault.waitFor();
    await visit.page.reload(); // A refused token is not kept.
    await field.waitFor();
    expect(await fault.isVisible()).toBe(false);
    await field.fill('the-token-of-alice…');
    await visit.page.keyboard.press('Enter');
    await fault.waitFor();
    for (let time = 0; time < 3; time++) await visit.page.keyboard.press('Escape');
    await field.waitFor();
    expect(await visit.barriers()).toEqual([]);
    await visit.shoot('token');
    await field.fill(' Bearer the-token-of-alice-1\n');
    await visit.page.getByRole('button', { name: 'Continue' }).click();
    await field.waitFor({ state: 'hidden' });
    await visit.page.getByText('JPEG').click();
    await visit.choose(await upload('photo.png'));
    await rig.startWorker();
    await visit.card('photo.png').getByRole('img', { name: 'photo.png after' }).waitFor();
    const link = visit.card('photo.png').getByRole('link', { name: 'Download' });
    expect(await link.getAttribute('download')).toBe('photo_blurred.jpg');
    await visit.page.reload();
    await visit.card('photo.png').getByText('Done').waitFor();
    expect(await field.isVisible()).toBe(false);
    const another = await open(url);
    await another.page.getByLabel('Access token', { exact: true }).waitFor();
  });

  it('goes on when split comes back, and sends what was chosen meanwhile', async () => {
    const visit = await open();
    await visit.page.getByText('Idle').waitFor();
    const { port } = new URL(await rig.split.process.ready());
    await rig.split.process.stop();
    const banner = visit.page.getByText('Tessera does not answer.', { exact: true });
    await banner.waitFor();
    await visit.choose(await upload('photo.png'));
    await visit
      .card('photo.png')
      .getByText(/It is sent as soon as it does\./)
      .waitFor();
    expect(await visit.barriers()).toEqual([]);
    await visit.shoot('away');
    await rig.startSplit({ PORT: port });
    await visit.page.getByRole('button', { name: 'Try now' }).click();
    await banner.waitFor({ state: 'detached' });
    await rig.startWorker();
    await visit
      .card('photo.png')
      .getByText(/^Done in/)
      .waitFor();
  });

  it('lists dead letters, requeues them and drops them', async () => {
    const visit = await open();
    const longName = `second-${'x'.repeat(200)}.png`;
    const spoiled = async (name: string, seed: number) => {
      const [id] = await Promise.all([nextId(visit), visit.choose(await upload(name, seed))]);
      await visit.card(name).getByText(`0 of ${tiles} tiles`).waitFor();
      const keys = [6, 5].map((tile) => `image:${id}:src:${tile}`);
      const pixels = await Promise.all(keys.map(async (key) => (await rig.redis.getBuffer(key)) ?? ''));
      await Promise.all(keys.map(async (key) => rig.redis.set(key, 'no pixels')));
      const repair = async () => Promise.all(keys.map(async (key, at) => rig.redis.set(key, pixels[at])));
      return { id, repair };
    };
    const first = await spoiled('first.png', 1);
    const second = await spoiled(longName, 2);
    await rig.startWorker();
    const letters = visit.pipeline.getByRole('listitem');
    const ofFirst = letters.filter({ hasText: 'first.png' });
    await ofFirst.getByText(/^Tiles 5, 6: .*bytes/).waitFor();
    const note = visit.card('first.png').getByText('This picture could not be finished.');
    await note.waitFor();
    const ofSecond = letters.filter({ hasText: longName });
    await ofSecond.getByText(/^Tiles 5, 6: /).waitFor();
    const title = await ofSecond.getByRole('paragraph').first().boundingBox();
    expect(title?.height).toBeLessThan(40); // One line.
    expect(await visit.barriers()).toEqual([]);
    await visit.shoot('dead-letters');

    await first.repair();
    await ofFirst.getByRole('button', { name: 'Requeue' }).click();
    await visit
      .card('first.png')
      .getByText(/^Done in/)
      .waitFor();

    await ofSecond.getByRole('button', { name: 'Drop' }).click();
    await ofSecond.getByRole('button', { name: `Drop ${longName} for good` }).click();
    await visit.pipeline.getByText('Dead letters').waitFor({ state: 'detached' });
    await until('no dead letter', async () => (await rig.redis.zcard('image:job:dead')) === 0);
    expect((await rig.status(second.id)).dead).toEqual([]);
  });

  it('shows what was tried again, finished, or forgotten elsewhere', async () => {
    const visit = await open();
    await visit.page.getByText('Idle').waitFor();
    const failed = await rig.send('failed.png', { kernelSize: 15 });
    const key = `image:${failed.id}:src:1`;
    const pixels = (await rig.redis.getBuffer(key)) ?? Buffer.alloc(0);
    await rig.redis.set(key, 'no pixels');
    await visit
      .card('failed.png')
      .getByText(/0 of \d+ tiles/)
      .waitFor();
    const worker = await rig.startWorker();
    await visit.card('failed.png').getByText('This picture could not be finished.').waitFor();
    await visit.pipeline.getByText('Dead letters').waitFor();

    // All of this happens between two looks.
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    await visit.page.route('**/queue', async (route) => released.then(async () => route.continue()));
    await rig.redis.set(key, pixels);
    const split = await rig.split.process.ready();
    await fetch(`${split}/images/${failed.id}/retry`, { method: 'POST' });
    const quick = await rig.send('quick.png');
    for (const { id } of [failed, quick])
      await until('the result', async () => (await rig.status(id)).status === 'done');
    release();
    await visit
      .card('failed.png')
      .getByText(/^Done in/)
      .waitFor();
    await visit.card('quick.png').getByRole('button', { name: 'Show the picture' }).waitFor();
    await visit.pipeline.getByText('Dead letters').waitFor({ state: 'detached' });

    await fetch(`${split}/images/${quick.id}`, { method: 'DELETE' });
    await visit.card('quick.png').getByRole('button', { name: 'Show the picture' }).click();
    await visit
      .card('quick.png')
      .getByRole('button', { name: 'Show the picture' })
      .waitFor({ state: 'detached' });
    await visit.card('quick.png').getByRole('button', { name: 'Remove from this page' }).click();

    await kill(worker);
    await visit.choose(await upload('forgotten.png'));
    const forgotten = visit.card('forgotten.png');
    await forgotten.getByText(`0 of ${tiles} tiles`).waitFor();
    await rig.redis.flushall();
    await forgotten.getByText('Gone', { exact: true }).waitFor();
    await forgotten.getByRole('button', { name: 'Try again' }).click();
    await forgotten.getByText(`0 of ${tiles} tiles`).waitFor();
    expect(await visit.card('quick.png').count()).toBe(0);
  });

  it('can be used with the keyboard alone', async () => {
    const visit = await open();
    const { keyboard } = visit.page;
    // From now on the browser reports the dialog instead of opening it.
    const chooser = visit.page.waitForEvent('filechooser');
    await visit.tabTo(visit.page.getByLabel('Choose pictures'));
    await keyboard.press('Space');
    const { name, bytes } = await upload('photo.png');
    await (await chooser).setFiles({ name, mimeType: 'image/png', buffer: bytes });
    await rig.startWorker();
    const card = visit.card('photo.png');
    await card.getByText(/^Done in/).waitFor();
    const slider = card.getByRole('slider');
    await visit.tabTo(slider);
    await keyboard.press('End');
    expect(await slider.getAttribute('aria-valuetext')).toBe('100 % before, 0 % after');
    const link = card.getByRole('link', { name: 'Download' });
    await visit.tabTo(link);
    expect((await visit.download(async () => keyboard.press('Enter'))).name).toBe('photo_blurred.png');
  });

  it('asks nothing while it is hidden, or when nothing has been in progress for a while', async () => {
    window = await openBlankWindow(); // Its clock is the clock of all its tabs.
    const visit = await open();
    await visit.page.getByText('Idle').waitFor();
    await visit.page.clock.install();
    await visit.page.reload();
    await visit.page.getByText('Idle').waitFor();
    let requests = 0;
    visit.page.on('request', () => requests++);
    const hide = async (isHidden: boolean) =>
      visit.page.evaluate((value) => {
        Object.defineProperty(document, 'hidden', { value, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, isHidden);
    await hide(true);
    const before = requests;
    await visit.page.clock.runFor(60_000);
    expect(requests).toBe(before);
    await hide(false);
    await until('a request', () => requests > before);
    await visit.page.clock.fastForward(150_000);
    await visit.page.getByText('Asleep').waitFor();
    const asleep = requests;
    await visit.page.clock.runFor(60_000);
    expect(requests).toBe(asleep);
    await visit.page.keyboard.press('Tab');
    await visit.page.getByText('Idle').waitFor();
  });
});
