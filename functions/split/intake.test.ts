import { describe, expect, it, vi } from 'vitest';
import { loadConfig, type Config } from '../lib/config.ts';
import type { Bitmap } from '../lib/image/pixels.ts';
import { encodePng } from '../lib/image/png/encode.ts';
import { CallerGone } from '../lib/service/caller-gone.ts';
import { createLog } from '../lib/log.ts';
import type { ImagePlan, ImageRecord, ImageState } from '../lib/queue/image-record.ts';
import type { Admission, Refusal } from '../lib/queue/image-room.ts';
import type { FoundResult } from '../lib/store/results.ts';
import { picture } from '../testing/pictures.ts';
import { until } from '../testing/until.ts';
import { Intake, type IntakeParts, type TakeOptions } from './intake.ts';

type FakeParts = IntakeParts['ledger'] & IntakeParts['images'] & IntakeParts['room'];
type Enqueued = 'enqueued' | 'known' | 'over';

/** Redis as the intake sees it, in memory. Each test sets its answers, and reads what was called, in order. */
class FakeLedger implements FakeParts {
  readonly calls: string[] = [];
  readonly tiles: number[] = [];
  answers: ('begun' | Refusal | ImageState)[] = ['begun'];
  plan: ImagePlan | undefined;
  admission: Admission | undefined;
  known = new Set<number>();
  /** Fields of the stored record that differ from the plan; null if there is no record. */
  stored: Partial<ImageRecord> | null = {};
  enqueueAnswer: (tile: number) => Promise<Enqueued> = async () => 'enqueued';

  async begin(
    _id: string,
    plan: ImagePlan,
    admission: Admission,
    { again = false }: { again?: boolean } = {},
  ): Promise<'begun' | Refusal | ImageState> {
    this.calls.push(again ? 'begin again' : 'begin');
    this.plan = plan;
    this.admission = admission;
    return this.answers.shift() ?? 'begun';
  }

  async record(id: string): Promise<ImageRecord | null> {
    return this.stored && ({ ...this.plan, id, ...this.stored } as ImageRecord);
  }

  async knownTiles(): Promise<Set<number>> {
    return this.known;
  }

  async enqueue(_id: string, tile: number): Promise<Enqueued> {
    this.tiles.push(tile);
    const answer = await this.enqueueAnswer(tile);
    this.calls.push(`tile ${tile}`);
    return answer;
  }

  async forget(): Promise<void> {
    this.calls.push('forget');
  }

  async make(): Promise<boolean> {
    return false;
  }

  async waitMs(): Promise<number> {
    return 5000;
  }
}

const me = { name: 'me', owner: null };
const missing: FoundResult = { is: 'missing' };

/** An intake of images into tiles of 16 pixels, with its parts. */
function setUp({ found = missing, ...settings }: Partial<Config> & { found?: FoundResult } = {}) {
  const ledger = new FakeLedger();
  const wakeAssemble = vi.fn<() => void>();
  const intake = new Intake({
    config: { ...loadConfig({}), tileSizePx: 16, ...settings },
    ledger,
    images: ledger,
    room: ledger,
    stores: {
      memoryBytes: (sizeBytes) => sizeBytes,
      uploads: { keep: async () => void ledger.calls.push('keep') },
      results: { placeOf: (_id, output) => output, open: async () => found },
    },
    log: createLog('test', 'silent'),
    wakeAssemble,
  });
  const take = (
    bytes: Uint8Array,
    caller: { name: string; owner: string | null } = me,
    options: TakeOptions = {},
  ) => intake.take('a.png', '3', bytes, caller, options);
  return { ledger, take, wakeAssemble };
}

async function pngOf(image: Bitmap): Promise<Buffer> {
  const { width, height } = image;
  return Buffer.concat(await Array.fromAsync(encodePng({ width, height, channels: 4 }, [image])));
}

/** Eight tiles of 16 pixels. */
const small = await pngOf(picture(64, 32, 'soft-alpha'));
const tilesOfSmall = [0, 1, 2, 3, 4, 5, 6, 7];
/** Noise, so that its data is long enough to be cut off after the first tiles. */
const large = await pngOf(picture(1024, 1024, 'hard-alpha'));

describe('a new image', () => {
  it('is queued tile by tile, and its upload is kept afterwards', async () => {
    const { ledger, take, wakeAssemble } = setUp();
    const record = await take(small);
    expect(record).toMatchObject({ name: 'a.png', width: 64, height: 32, tiles: 8, output: 'a_blurred.png' });
    expect(wakeAssemble).toHaveBeenCalledOnce();
    expect(ledger.calls).toEqual(['begin', ...tilesOfSmall.map((tile) => `tile ${tile}`), 'keep']);
  });

  it('is sent at most 32 tiles ahead of Redis', async () => {
    const { ledger, take } = setUp();
    const gate = Promise.withResolvers<Enqueued>();
    ledger.enqueueAnswer = () => gate.promise;
    const taken = take(large);
    await until('tiles to be sent', () => ledger.tiles.length >= 32);
    await new Promise(setImmediate);
    expect(ledger.tiles.length).toBe(32);
    gate.resolve('enqueued');
    await taken;
    expect(ledger.tiles.length).toBe(64 * 64);
  });

  it('of an owner goes to a folder of the owner, and its upload is not kept', async () => {
    const { ledger, take } = setUp();
    await take(small, { name: 'alice', owner: 'alice' });
    expect(ledger.plan).toMatchObject({ owner: 'alice', output: 'alice/a_blurred.png' });
    expect(ledger.calls).not.toContain('keep');
  });

  it('is not sent any further when it is cancelled meanwhile', async () => {
    const { ledger, take } = setUp();
    ledger.enqueueAnswer = async (tile) => (tile < 3 ? 'enqueued' : 'over');
    await take(large);
    expect(ledger.tiles.length).toBeLessThan(100);
    expect(ledger.calls).not.toContain('keep');
    expect(ledger.calls).not.toContain('forget');
  });

  it('is not decoded any further either', async () => {
    const { ledger, take } = setUp();
    ledger.enqueueAnswer = async () => 'over';
    const damagedLater = large.subarray(0, large.length / 2);
    await expect(take(damagedLater)).resolves.toMatchObject({ name: 'a.png' });
  });
});

describe('an image that is sent again', () => {
  it('is resumed with the tiles that are missing', async () => {
    const { ledger, take } = setUp();
    ledger.answers = ['splitting'];
    ledger.known = new Set([0, 1, 2, 5]);
    await take(small);
    expect(ledger.tiles).toEqual([3, 4, 6, 7]);
  });

  it('is resumed with the tile size that it was started with', async () => {
    const { ledger, take } = setUp();
    ledger.answers = ['splitting'];
    ledger.stored = { tileSizePx: 32 };
    await take(small);
    expect(ledger.tiles).toEqual([0, 1]);
  });

  it.each<ImageState>(['blurring', 'blurred'])('is left alone while it is %s', async (state) => {
    const { ledger, take, wakeAssemble } = setUp();
    ledger.answers = [state];
    await take(small);
    expect(ledger.calls).toEqual(['begin']);
    expect(wakeAssemble).not.toHaveBeenCalled();
  });

  it('stays done while its result exists', async () => {
    let closed = false;
    const file = { close: async () => void (closed = true) } as Extract<FoundResult, { is: 'own' }>['file'];
    const { ledger, take } = setUp({ found: { is: 'own', file } });
    ledger.answers = ['done'];
    await take(small);
    expect(ledger.calls).toEqual(['begin']);
    expect(closed).toBe(true);
  });

  it.each<FoundResult>([missing, { is: 'replaced', by: null }])(
    'is started again when its result is $is',
    async (found) => {
      const { ledger, take } = setUp({ found });
      ledger.answers = ['done', 'begun'];
      await take(small);
      expect(ledger.calls.slice(0, 2)).toEqual(['begin', 'begin again']);
      expect(ledger.tiles).toEqual(tilesOfSmall);
    },
  );
});

describe('an image whose caller goes while it waits for a decoder', () => {
  it.each<[what: string, state: 'begun' | 'splitting', calls: string[]]>([
    ['is dropped, and leaves nothing behind', 'begun', ['begin', 'begin', 'forget']],
    ['is dropped, and stays resumable if another request began it', 'splitting', ['begin', 'begin']],
  ])('%s', async (_what, state, calls) => {
    const { ledger, take } = setUp({ maxSplits: 1 });
    ledger.answers = ['begun', state];
    const gate = Promise.withResolvers<Enqueued>();
    ledger.enqueueAnswer = () => gate.promise;
    const first = take(small);
    await until('the first image to be split', () => ledger.tiles.length > 0);
    const caller = new AbortController();
    const second = take(small, me, { gone: caller.signal });
    await until('the second image to wait', () => ledger.calls.length === 2);
    caller.abort();
    await expect(second).rejects.toThrow(CallerGone);
    expect(ledger.calls).toEqual(calls);
    gate.resolve('enqueued');
    await first;
  });
});

describe('an image that cannot be taken in', () => {
  it.each<[string, Partial<Config>]>([
    ['has too many tiles', { maxTiles: 7 }],
    ['has too many pixels', { maxPixels: 2047 }],
    ['needs more than the share of one caller', { redisBudgetBytes: 10_000, clientShare: 0.5 }],
  ])('because it %s is refused before the ledger knows it', async (_, settings) => {
    const { ledger, take } = setUp(settings);
    await expect(take(small)).rejects.toMatchObject({ code: 'image-too-large' });
    expect(ledger.calls).toEqual([]);
  });

  it.each<Refusal>(['over-budget', 'over-share'])('now (%s) says when to retry', async (refusal) => {
    const { ledger, take } = setUp();
    ledger.answers = [refusal];
    await expect(take(small)).rejects.toMatchObject({ code: refusal, retryAfterSeconds: 5 });
    expect(ledger.tiles).toEqual([]);
  });

  it('because its record is gone says when to retry', async () => {
    const { ledger, take } = setUp();
    ledger.stored = null;
    await expect(take(small)).rejects.toMatchObject({ code: 'over-budget', retryAfterSeconds: 5 });
  });

  it('because it is damaged is forgotten with the tiles that were sent', async () => {
    const { ledger, take } = setUp();
    await expect(take(large.subarray(0, large.length / 2))).rejects.toMatchObject({ code: 'invalid-image' });
    expect(ledger.tiles.length).toBeGreaterThan(0);
    expect(ledger.calls.at(-1)).toBe('forget');
    expect(ledger.calls).not.toContain('keep');
  });

  it('because Redis has no memory for the rest is forgotten after the tiles in flight have arrived', async () => {
    const { ledger, take } = setUp();
    ledger.enqueueAnswer = async (tile) => {
      if (tile === 3) throw new Error("OOM command not allowed when used memory > 'maxmemory'.");
      await new Promise(setImmediate);
      return 'enqueued';
    };
    await expect(take(small)).rejects.toMatchObject({ code: 'over-budget', retryAfterSeconds: 5 });
    const arrived = ledger.tiles.filter((tile) => tile !== 3).map((tile) => `tile ${tile}`);
    expect(ledger.calls).toEqual(['begin', ...arrived, 'forget']);
  });

  it('because Redis is gone can be resumed', async () => {
    const { ledger, take } = setUp();
    const fault = new Error('Connection is closed.');
    ledger.enqueueAnswer = async () => {
      throw fault;
    };
    await expect(take(small)).rejects.toBe(fault);
    expect(ledger.calls).not.toContain('forget');
    expect(ledger.calls).not.toContain('keep');
  });
});

it('reserves memory for the tiles, the result and the upload', async () => {
  const { ledger, take } = setUp({ redisBudgetBytes: 1_000_000, clientShare: 0.25 });
  await take(small);
  const pixelBytes = 64 * 32 * 4;
  expect(ledger.admission).toMatchObject({
    budgetBytes: 1_000_000,
    client: { name: 'me', budgetBytes: 250_000 },
  });
  expect(ledger.admission?.bytes).toBeGreaterThan(2 * pixelBytes + small.length);
});
