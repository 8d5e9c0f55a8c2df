// Tests the check itself: it must find every loss that a test causes on purpose.
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findFaults } from '../../chaos/nothing-lost.ts';
import { kill, patient, Rig, rigTiles, type Member, type SentImage } from '../../chaos/rig.ts';
import { until } from '../../functions/testing/until.ts';

/** A loss does not heal, so after everything possible is done there is little to wait for. */
const deadlineMs = 300;

let rig: Rig;
/** Nothing happens to the worker in most tests. */
let worker: Member;
beforeAll(async () => {
  rig = await Rig.start();
  worker = await rig.startWorker(patient);
});
afterEach(() => rig.reset(worker));
afterAll(() => rig.stop());

async function done(name: string): Promise<SentImage> {
  const image = await rig.send(name);
  expect(await findFaults(rig, [image])).toEqual([]);
  return image;
}

function outputOf({ name }: SentImage): string {
  return join(rig.outputPath, name.replace('.png', '_blurred.png'));
}

describe('the check that nothing is lost', () => {
  test('fails if it had nothing to check', async () => {
    expect(await findFaults(rig, [])).toEqual(['no image was checked']);
  });

  test('fails for an image without tiles', async () => {
    const image = await done('a.png');
    await rig.redis.hset(`image:${image.id}:meta`, 'tiles', '0');
    expect(await findFaults(rig, [image])).toEqual(['a.png: no tile was checked']);
  });

  test("fails if a tile's result vanishes", async () => {
    rig.gate.handle = async () => 500;
    const image = await rig.send('a.png');
    await until('the image to be blurred', async () => (await rig.status(image.id)).status === 'blurred');
    await rig.redis.del(`image:${image.id}:out:7`);
    rig.gate.reset();
    await until('assemble to stumble', async () => (await rig.status(image.id)).error !== null);
    const faults = await findFaults(rig, [image], { deadlineMs });
    expect(faults).toContain('a.png: there is no output');
    expect(faults).toContain('1 left in outbox');
  });

  test("fails if a byte of a tile's result changes", async () => {
    rig.gate.handle = async () => 500;
    const image = await rig.send('a.png');
    await until('the image to be blurred', async () => (await rig.status(image.id)).status === 'blurred');
    const [byte] = (await rig.redis.getrangeBuffer(`image:${image.id}:out:7`, 3, 3)) as unknown as number[];
    await rig.redis.setrange(`image:${image.id}:out:7`, 3, Buffer.from([byte ^ 1]));
    rig.gate.reset();
    expect(await findFaults(rig, [image])).toEqual(['a.png: 1 bytes of the output differ']);
  });

  test('fails if the output is torn, missing, or of another size', async () => {
    const image = await done('a.png');
    const file = outputOf(image);
    const whole = await readFile(file);
    await writeFile(file, whole.subarray(0, whole.length / 2));
    expect(await findFaults(rig, [image])).toEqual(['a.png: the output is torn']);
    await writeFile(file, await sharp(whole).resize(199, 150).png().toBuffer());
    expect(await findFaults(rig, [image])).toEqual(['a.png: the output has 199x150 pixels']);
    await rm(file);
    expect(await findFaults(rig, [image])).toEqual(['a.png: there is no output']);
  });

  test('fails for an unexpected file', async () => {
    const image = await done('a.png');
    await writeFile(join(rig.outputPath, '.a_blurred.png.0123.partial'), '');
    expect(await findFaults(rig, [image])).toEqual(['a stray file: .a_blurred.png.0123.partial']);
  });

  test.each([
    { what: 'a lease', key: 'image:job:leases', told: '1 left in leases' },
    { what: 'a delayed job', key: 'image:job:delayed', told: '1 left in delayed' },
    { what: 'an event', key: 'image:outbox', told: '1 left in outbox' },
  ])('fails for $what left behind', async ({ key, told }) => {
    const image = await done('a.png');
    await rig.redis.zadd(key, '99999999999999', `${image.id}:0`);
    expect(await findFaults(rig, [image], { deadlineMs })).toEqual([told, `an orphan key: ${key}`]);
  });

  test('fails for keys that nobody will ever free', async () => {
    const image = await done('a.png');
    const stranger = createHash('sha256').update('stranger').digest('hex').slice(0, 24);
    await rig.redis.set(`image:${stranger}:src:0`, 'pixels');
    await rig.redis.persist(`image:${image.id}:meta`);
    expect(await findFaults(rig, [image])).toEqual([
      `an orphan key: image:${stranger}:src:0`,
      `a key that does not expire: image:${image.id}:meta`,
    ]);
  });
});

describe('the check, if something is lost before a worker comes,', () => {
  beforeAll(() => kill(worker));

  test('fails if a job vanishes from the queue', async () => {
    const image = await rig.send('a.png');
    expect(await rig.redis.lrem('image:job:queue', 1, `${image.id}:7:1`)).toBe(1);
    await rig.startWorker(patient);
    await until('the other tiles', async () => (await rig.status(image.id)).done === rigTiles - 1);
    const faults = await findFaults(rig, [image], { deadlineMs });
    expect(faults).toContain(`a.png: blurring, ${rigTiles - 1} of ${rigTiles} tiles done`);
    expect(faults).toContain('a.png: there is no output');
  });

  test("fails if a tile's source vanishes", async () => {
    const image = await rig.send('a.png');
    await rig.redis.del(`image:${image.id}:src:7`);
    await rig.startWorker({ ...patient, MAX_ATTEMPTS: '2' });
    await until('the tile to be given up', async () => (await rig.status(image.id)).dead.length > 0);
    const faults = await findFaults(rig, [image], { deadlineMs });
    expect(faults[0]).toMatch(/^a\.png: failed, .* its source pixels are gone$/);
  });
});
