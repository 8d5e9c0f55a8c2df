// `npm run dead-letters` for an image with one dead tile.
import { execFile } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { isFull } from '../support/full.ts';
import { findFaults } from '../../chaos/nothing-lost.ts';
import { patient, Rig, rigTiles, type SentImage } from '../../chaos/rig.ts';
import { until } from '../../functions/testing/until.ts';
import { keysLeft, recordKeys } from '../support/keys-left.ts';

const tile = 5;
const source = `src:${tile}`;

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start({ MAX_ATTEMPTS: '2' });
});
afterEach(() => rig.reset());
afterAll(() => rig.stop());

interface Answer {
  code: number;
  lines: string[];
  stderr: string;
}

async function deadLetters(...args: string[]): Promise<Answer> {
  return new Promise((resolve) => {
    const env = { ...process.env, REDIS_URL: rig.redisServer.url };
    execFile(process.execPath, ['scripts/dead-letters.ts', ...args], { env }, (error, stdout, stderr) => {
      const lines = stdout.split('\n').filter((line) => line !== '');
      resolve({ code: error === null ? 0 : Number(error.code), lines, stderr });
    });
  });
}

interface Victim {
  image: SentImage;
  /** The original source of its tile. */
  pixels: Buffer;
}

/** Images that have one dead tile each. */
async function withDeadTiles(...names: string[]): Promise<Victim[]> {
  const victims: Victim[] = [];
  for (const name of names) {
    const image = await rig.send(name);
    const key = `image:${image.id}:${source}`;
    victims.push({ image, pixels: (await rig.redis.getBuffer(key)) ?? Buffer.alloc(0) });
    await rig.redis.set(key, 'no pixels');
  }
  await rig.startWorker(patient);
  for (const { image } of victims) {
    await until('the other tiles', async () => {
      const { done, dead } = await rig.status(image.id);
      return done === rigTiles - 1 && dead.length === 1;
    });
  }
  return victims;
}

describe('dead-letters', () => {
  test('lists nothing if there are no dead letters', async () => {
    expect(await deadLetters('list')).toMatchObject({ code: 0, lines: [] });
    expect(await deadLetters('requeue', '--all')).toMatchObject({ code: 1, lines: [] });
  });

  test('lists job, image, time and reason', async () => {
    const [{ image }] = await withDeadTiles('a.png');
    const { code, lines } = await deadLetters('list');
    expect(code).toBe(0);
    expect(lines.length).toBe(1);
    const [job, name, at, reason] = lines[0].split('\t');
    expect([job, name]).toEqual([`${image.id}:${tile}`, 'a.png']);
    expect(Math.abs(Date.now() - Date.parse(at))).toBeLessThan(60_000);
    expect(reason).toMatch(/bytes, not 9/);
  });

  test('requeues a tile that can be blurred now, and its image is completed', async () => {
    const [{ image, pixels }] = await withDeadTiles('a.png');
    await rig.redis.set(`image:${image.id}:${source}`, pixels);
    const { code, lines } = await deadLetters('requeue', `${image.id}:${tile}`);
    expect(code).toBe(0);
    expect(lines[0]).toMatch(/requeued$/);
    expect(await findFaults(rig, [image])).toEqual([]);
    expect(await rig.status(image.id)).toMatchObject({ dead: [], error: null });
  });

  test('drops an image, which stays failed and leaves only its record', async () => {
    const [{ image }, other] = await withDeadTiles('a.png', 'bb.png');
    expect((await deadLetters('drop', image.id)).lines).toEqual([expect.stringMatching(/dropped$/)]);
    expect((await deadLetters('list')).lines).toEqual([expect.stringContaining(`${other.image.id}:${tile}`)]);
    expect((await deadLetters('drop', '--all')).code).toBe(0);
    expect(await keysLeft(rig.redis)).toEqual(recordKeys([image.id, other.image.id]));
    expect((await rig.status(image.id)).status).toBe('failed');
    expect(await findFaults(rig, [], { givenUp: [image.id, other.image.id] })).toEqual([
      'no image was checked',
    ]);
  });

  test('lists an image whose event was given up, and announces it again', async () => {
    rig.gate.handle = async () => 503;
    const image = await rig.send('a.png');
    await rig.startWorker({ ...patient, MAX_ANNOUNCEMENTS: '1' });
    await until('the image to fail', async () => (await rig.status(image.id)).status === 'failed');
    const [letter, name, , reason] = (await deadLetters('list')).lines[0].split('\t');
    expect([letter, name]).toEqual([image.id, 'a.png']);
    expect(reason).toBe('given up after 1 events: assemble answered 503');
    rig.gate.reset();
    expect((await deadLetters('requeue', image.id)).lines).toEqual([expect.stringMatching(/requeued$/)]);
    expect(await findFaults(rig, [image])).toEqual([]);
    expect((await rig.status(image.id)).attempts).toBe(rigTiles);
  });

  test('drops a letter whose image has expired', async () => {
    await rig.redis.zadd('image:job:dead', '1', `${'ab'.repeat(12)}:3`);
    expect((await deadLetters('drop', '--all')).lines).toEqual([expect.stringMatching(/gone$/)]);
    expect((await deadLetters('list')).lines).toEqual([]);
  });

  const wrongCalls = [[], ['requeue'], ['requeue', 'everything'], ['list', '--all', 'x'], ['bury', '--all']];
  test.each((isFull ? wrongCalls : wrongCalls.slice(1, 3)).map((args) => [args]))(
    'called with %j exits with 2 and says what is wrong',
    async (args) => {
      const { code, stderr } = await deadLetters(...args);
      expect(code).toBe(2);
      expect(stderr).toContain('(try --help)');
    },
  );

  test('with a Redis that hangs exits with 2 and says so', async () => {
    process.kill(rig.redisServer.pid ?? 0, 'SIGSTOP');
    try {
      const { code, stderr } = await deadLetters('list');
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('Socket timeout') });
    } finally {
      process.kill(rig.redisServer.pid ?? 0, 'SIGCONT');
    }
  });

  test('without a Redis exits with 2', async () => {
    const env = { ...process.env, REDIS_URL: 'redis://127.0.0.1:1' };
    const code = await new Promise((resolve) => {
      execFile(process.execPath, ['scripts/dead-letters.ts', 'list'], { env }, (error) =>
        resolve(error?.code),
      );
    });
    expect(code).toBe(2);
  });
});
