import { describe, expect, it, vi } from 'vitest';
import { toPixels } from '../testing/pictures.ts';
import { Problem } from '../lib/errors.ts';
import { labelOf } from '../lib/image/label.ts';
import type { Log } from '../lib/log.ts';
import type { ImageRecord, ImageState } from '../lib/queue/image-record.ts';
import { Assembler } from './assembler.ts';

const ID = '0123456789abcdef01234567';
const PLACE = 'photo_blurred.png';

/** An image of 3x2 pixels in one tile, whose every byte is 7. */
const record = {
  id: ID,
  name: 'photo.png',
  width: 3,
  height: 2,
  tileSizePx: 3,
  recipe: '1',
  format: 'png',
  tiles: 1,
  output: PLACE,
  state: 'blurred',
} as ImageRecord;
const core = () => new Uint8Array(3 * 2 * 3).fill(7);

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** Redis and results in memory, and an assembler that uses them. */
class Bench {
  state: ImageState | null = 'blurred';
  cores: (Uint8Array | null)[] = [core()];
  /** What was written, removed, noted and finished, in order. */
  readonly happened: string[] = [];
  readonly files = new Map<string, Buffer>();
  /** The image whose result is replaced, and its name. */
  replaced: string | null = null;
  names: Record<string, string> = {};
  /** Levels and messages of the log. */
  readonly logged: string[] = [];
  /** Runs in the middle of a write. */
  whileWriting: () => unknown = () => {};
  finishAnswer: 'finished' | 'again' | 'over' = 'finished';

  readonly assembler = new Assembler({
    log: {
      ...silent,
      info: (message) => void this.logged.push(`info: ${message}`),
      warn: (message) => void this.logged.push(`warn: ${message}`),
    },
    images: {
      record: async (id: string) =>
        id === ID
          ? this.state && { ...record, state: this.state }
          : id in this.names
            ? { ...record, id, name: this.names[id] }
            : null,
      coreSizes: async () => this.cores.map((each) => each?.length ?? 0),
      cores: async () => this.cores.map((each) => each && new Uint8Array(each)),
      ancillary: async () => new Uint8Array(),
    },
    ledger: {
      finish: async () => {
        this.happened.push('finish');
        return this.finishAnswer;
      },
      noteFault: async (_id: string, fault: string) => void this.happened.push(`note: ${fault}`),
    },
    results: {
      write: async (id: string, place: string, chunks: AsyncIterable<Uint8Array>) => {
        const bytes = Buffer.concat(await Array.fromAsync(chunks));
        await this.whileWriting();
        this.happened.push(`write ${id}`);
        this.files.set(place, bytes);
        return this.replaced;
      },
      remove: async (id: string, place: string) => {
        this.happened.push(`remove ${id}`);
        return this.files.delete(place);
      },
    },
  });
}

describe('the assembler', () => {
  it('writes the result of a blurred image under its name and with its id, then closes the image', async () => {
    const bench = new Bench();
    await bench.assembler.assemble(ID);
    expect(bench.happened).toEqual([`write ${ID}`, 'finish']);
    const file = bench.files.get(PLACE) ?? Buffer.alloc(0);
    expect(labelOf(file)).toBe(ID);
    const { data, width, height } = await toPixels(file);
    expect([width, height]).toEqual([3, 2]);
    expect([...data]).toEqual(Array.from({ length: 6 }, () => [7, 7, 7, 255]).flat());
  });

  it.each(['done', 'cancelled'] as const)('leaves an image that is %s alone', async (state) => {
    const bench = new Bench();
    bench.state = state;
    await bench.assembler.assemble(ID);
    expect(bench.happened).toEqual([]);
  });

  it.each(['splitting', 'blurring', 'failed', null] as const)(
    'refuses an image that is not blurred: %s',
    async (state) => {
      const bench = new Bench();
      bench.state = state;
      const assembled = bench.assembler.assemble(ID);
      await expect(assembled).rejects.toMatchObject({ code: 'unprocessable-event' });
      expect(bench.happened).toEqual([]);
    },
  );

  it('does the work once for two concurrent events', async () => {
    const bench = new Bench();
    await Promise.all([bench.assembler.assemble(ID), bench.assembler.assemble(ID)]);
    expect(bench.happened).toEqual([`write ${ID}`, 'finish']);
  });

  it('records why a result could not be written, and writes it at the next event', async () => {
    const bench = new Bench();
    bench.whileWriting = vi
      .fn<() => void>()
      .mockImplementationOnce(() => {
        throw new Problem('storage-unavailable', 'The disk is full.');
      })
      .mockImplementationOnce(() => {
        throw new Error('secret path /etc');
      });
    await expect(bench.assembler.assemble(ID)).rejects.toThrow('The disk is full.');
    await expect(bench.assembler.assemble(ID)).rejects.toThrow('secret path /etc');
    await bench.assembler.assemble(ID);
    expect(bench.happened).toEqual([
      'note: The disk is full.',
      'note: Its result could not be written.',
      `write ${ID}`,
      'finish',
    ]);
  });

  it('does not write an image with a tile missing', async () => {
    const bench = new Bench();
    bench.cores = [null];
    await expect(bench.assembler.assemble(ID)).rejects.toThrow('Tile 0');
    expect(bench.files.size).toBe(0);
  });

  it('ignores a fault of an image that was ended while it was written', async () => {
    const bench = new Bench();
    bench.whileWriting = () => {
      bench.state = 'cancelled';
      throw new Error('its tiles are gone');
    };
    await bench.assembler.assemble(ID);
    expect(bench.happened).toEqual([]);
  });

  it.each<[what: string, level: 'info' | 'warn', names: Record<string, string>]>([
    ['has another name, as a warning', 'warn', { other: 'photo.jpg' }],
    ['has the same name', 'info', { other: 'photo.png' }],
    ['is not known any more', 'info', {}],
  ])('logs that it has replaced the result of an image that %s', async (_what, level, names) => {
    const bench = new Bench();
    bench.replaced = 'other';
    bench.names = names;
    await bench.assembler.assemble(ID);
    expect(bench.logged).toContain(`${level}: The result of another image was replaced`);
  });

  it('removes the result of an image that was cancelled while it was written', async () => {
    const bench = new Bench();
    bench.finishAnswer = 'over';
    await bench.assembler.assemble(ID);
    expect(bench.happened).toEqual([`write ${ID}`, 'finish', `remove ${ID}`]);
    expect(bench.files.size).toBe(0);
  });

  it('keeps the result of an image that another process had closed before', async () => {
    const bench = new Bench();
    bench.finishAnswer = 'again';
    await bench.assembler.assemble(ID);
    expect(bench.files.has(PLACE)).toBe(true);
  });
});
