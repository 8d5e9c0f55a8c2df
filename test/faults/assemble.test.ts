// The last step fails: assemble is down, broken or slow, gets events twice or out of order, dies while it
// writes, or cannot write. The event stays in the outbox until the image is closed, so the output is whole in
// the end.
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { imageBlurredMessage } from '../../functions/lib/events.ts';
import { findFaults } from '../../chaos/nothing-lost.ts';
import { kill, patient, Rig, type Member, type SentImage } from '../../chaos/rig.ts';
import { until } from '../../functions/testing/until.ts';

let rig: Rig;
/** Nothing happens to the worker in most tests. */
let worker: Member;
beforeAll(async () => {
  rig = await Rig.start();
  worker = await rig.startWorker(patient);
});
afterEach(() => rig.reset(worker));
afterAll(() => rig.stop());

/** Posts the event of an image directly to assemble. Returns the HTTP status. */
async function postEvent(imageId: string): Promise<number> {
  const { headers, body } = imageBlurredMessage(imageId);
  const response = await fetch(await rig.assemble.process.ready(), { method: 'POST', headers, body });
  return response.status;
}

async function blurred(name: string): Promise<SentImage> {
  const image = await rig.send(name);
  await until(`${name} to be blurred`, async () => (await rig.status(image.id)).status === 'blurred');
  return image;
}

describe('assemble', () => {
  test('down: the event is sent until it is back', async () => {
    await kill(rig.assemble);
    const image = await rig.send('a.png');
    await until('the event to be refused', () => rig.gate.posted.length > 1);
    await rig.startAssemble();
    expect(await findFaults(rig, [image])).toEqual([]);
    expect((await rig.status(image.id)).announced).toBeGreaterThan(1);
  });

  test('answering 500 three times gets the event a fourth time', async () => {
    rig.gate.handle = async (event, forward) => (rig.gate.posted.length <= 3 ? 500 : forward(event));
    const image = await rig.send('a.png');
    expect(await findFaults(rig, [image])).toEqual([]);
    expect((await rig.status(image.id)).announced).toBe(4);
  });

  test('so slow that other workers send the event again: writes one output', async () => {
    const mayAnswer = Promise.withResolvers<void>();
    rig.gate.handle = async (event, forward) => {
      await mayAnswer.promise;
      return forward(event);
    };
    const image = await rig.send('a.png');
    await rig.startWorker(patient);
    await until('the event to come twice', () => rig.gate.posted.length > 1);
    mayAnswer.resolve();
    expect(await findFaults(rig, [image])).toEqual([]);
  });

  test('cut off before it could answer: gets the event again and changes nothing', async () => {
    rig.gate.handle = async (event, forward) => {
      await forward(event);
      return 'cut';
    };
    const image = await rig.send('a.png');
    expect(await findFaults(rig, [image])).toEqual([]);
    expect(await postEvent(image.id)).toBe(204);
    expect(await findFaults(rig, [image])).toEqual([]);
  });

  test('getting an event three times at once, in two processes: writes one output', async () => {
    rig.gate.handle = async () => 500;
    const image = await blurred('a.png');
    const first = rig.assemble;
    await rig.startAssemble();
    const second = rig.assemble;
    const { headers, body } = imageBlurredMessage(image.id);
    const post = async (url: string) => (await fetch(url, { method: 'POST', headers, body })).status;
    const urls = await Promise.all([first, first, second].map(({ process }) => process.ready()));
    const answers = await Promise.all(urls.map(post));
    // One may find its partial file deleted by another that was faster, and gets the event again.
    for (const answer of answers) expect([204, 503]).toContain(answer);
    expect(answers).toContain(204);
    expect(await findFaults(rig, [image])).toEqual([]);
  });

  test('killed while it writes: leaves no partial file under the name, and the next one removes all traces', async () => {
    const stopped = rig.assemble.proxy.hold({ step: 'get', moment: 'reply', nth: 10 });
    const image = await rig.send('a.png');
    const passage = await stopped;
    await until('a partial file', async () => (await readdir(rig.outputPath)).length > 0);
    await kill(rig.assemble);
    passage.cut();
    expect((await readdir(rig.outputPath)).every((file) => file.endsWith('.partial'))).toBe(true);
    await rig.startAssemble();
    expect(await findFaults(rig, [image])).toEqual([]);
  });
});

describe('an output folder', () => {
  /** Waits until the status says that the output cannot be written. A request for the result is told the same. */
  async function untilToldOf(image: SentImage, fault: RegExp): Promise<void> {
    await until('the fault to be told', async () => fault.test((await rig.status(image.id)).error ?? ''));
    expect((await rig.status(image.id)).status).toBe('blurred');
    const response = await fetch(`${await rig.split.process.ready()}/images/${image.id}/result`);
    expect(response.status).toBe(409);
    expect(((await response.json()) as { detail: string }).detail).toMatch(fault);
  }

  test('that cannot be made delays the image, which is written as soon as it can be made', async () => {
    await rm(rig.outputPath, { recursive: true, force: true });
    await writeFile(rig.outputPath, 'a file where the folder should be');
    const image = await rig.send('a.png');
    await untilToldOf(image, /cannot be written/);
    await rm(rig.outputPath);
    expect(await findFaults(rig, [image])).toEqual([]);
    expect((await rig.status(image.id)).error).toBe(null);
  });

  // A limit on file size replaces a full disk where no file system may be mounted: the write fails half way.
  test.runIf(process.platform === 'linux')('in which a file cannot grow delays the image', async () => {
    const limit = (bytes: string) =>
      execFileSync('prlimit', ['--pid', String(rig.assemble.process.pid), `--fsize=${bytes}:`]);
    limit('1000');
    const image = await rig.send('a.png');
    await untilToldOf(image, /cannot be written \(EFBIG\)/);
    limit('unlimited');
    expect(await findFaults(rig, [image])).toEqual([]);
  });

  /** Mounts a new file system. Returns false if that is not allowed. */
  function mount(path: string, options: string): boolean {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  }

  test.for([
    { fault: 'full', options: 'size=8k', told: /ENOSPC/, mended: 'remount,size=8m' },
    { fault: 'read-only', options: 'ro', told: /EROFS/, mended: 'remount,rw' },
  ])('on a $fault file system delays the image', async ({ options, told, mended }, { skip }) => {
    const output = join(rig.outputPath, '..', 'mounted');
    await mkdir(output);
    if (!mount(output, options)) skip('this machine does not allow mounting');
    const site = { redis: rig.redis, keyPrefix: rig.keyPrefix, outputPath: output };
    try {
      await kill(rig.assemble);
      await rig.startAssemble({ OUTPUT_PATH: output });
      const image = await rig.send('a.png');
      await untilToldOf(image, told);
      await until('what was written to be cleared away', async () => (await readdir(output)).length === 0);
      execFileSync('mount', ['-o', mended, output]);
      expect(await findFaults(site, [image])).toEqual([]);
      expect((await readFile(join(output, 'a_blurred.png'))).length).toBeGreaterThan(8192);
    } finally {
      await kill(rig.assemble);
      execFileSync('umount', [output]);
      await rm(output, { recursive: true });
    }
  });
});

describe('assemble, without that worker', () => {
  beforeAll(() => kill(worker));

  test('down for as long as events are sent: its image fails with the reason, and starts again when it is sent again', async () => {
    rig.gate.handle = async () => 503;
    const image = await rig.send('a.png');
    const impatient = await rig.startWorker({ ...patient, MAX_ANNOUNCEMENTS: '3' });
    await until('the fault to be told', async () => (await rig.status(image.id)).error);
    await until('the image to fail', async () => (await rig.status(image.id)).status === 'failed');
    const status = await rig.status(image.id);
    expect(status).toMatchObject({ announced: 3, error: 'given up after 3 events: assemble answered 503' });
    const pending = { queue: 0, leases: 0, claims: 0, delayed: 0, outbox: 0 };
    expect(await rig.pending()).toEqual(pending);
    expect(await findFaults(rig, [], { givenUp: [image.id] })).toEqual(['no image was checked']);

    rig.gate.reset();
    await kill(impatient);
    await rig.startWorker(patient);
    expect(await findFaults(rig, [await rig.send('a.png')])).toEqual([]);
  });

  test('getting events out of order, and one too early: writes each image when it is blurred', async () => {
    rig.gate.handle = async () => 500;
    const early = await rig.send('early.png');
    expect(await postEvent(early.id)).toBe(422);
    await rig.startWorker(patient);
    const images = [early, await blurred('first.png'), await blurred('second.png')];
    for (const image of images.toReversed()) expect(await postEvent(image.id)).toBe(204);
    expect(await findFaults(rig, images)).toEqual([]);
  });
});
