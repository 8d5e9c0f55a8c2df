import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../scripts/lib/options.ts';
import { readOptions } from './options.ts';

const blur = (kernel: number) => ({ filter: 'blur', values: { kernel } });

const defaults = {
  paths: [],
  out: 'output',
  recipe: blur(15),
  format: { name: 'png' },
  tile: 512,
  queue: 'lease',
  workers: Math.max(2, availableParallelism()),
  json: false,
  port: null,
  open: false,
};

describe('readOptions', () => {
  it.each<[string[], Record<string, unknown>]>([
    [[], {}],
    [['-o', 'blurred', '-k', '21', 'a.png'], { out: 'blurred', recipe: blur(21), paths: ['a.png'] }],
    [['-oblurred', '-k21'], { out: 'blurred', recipe: blur(21) }],
    [
      ['a.png', '--out=blurred', '--kernel=21', 'b.png'],
      { out: 'blurred', recipe: blur(21), paths: ['a.png', 'b.png'] },
    ],
    [['--', '-odd name.png'], { paths: ['-odd name.png'] }],
    [['--format', 'jpeg', '--quality', '70'], { format: { name: 'jpeg', quality: 70 } }],
    [['--format', 'jpeg'], { format: { name: 'jpeg', quality: 85 } }],
    [['--format', 'png'], {}],
    [['--serve'], { port: 8080 }],
    [['--serve', '--port', '9000'], { port: 9000 }],
    [['--serve', '--open'], { port: 8080, open: true }],
    [
      ['--json', '--tile', '64', '--queue', 'naive', '--workers', '2'],
      { json: true, tile: 64, queue: 'naive', workers: 2 },
    ],
  ])('reads %j', (argv, expected) => {
    expect(readOptions(argv, {})).toEqual({ ...defaults, ...expected });
  });

  it.each([
    [['-h'], 'help'],
    [['--help', '--kernel', '4'], 'help'],
    [['--version'], 'version'],
    [['-v'], 'version'],
  ])('knows %j', (argv, asked) => expect(readOptions(argv, {})).toBe(asked));

  it('takes its defaults from the environment; an option overrides a variable', () => {
    const env = { KERNEL_SIZE: '21', TILE_SIZE: '64', QUEUE_MODE: 'naive', NUM_WORKERS: '2', PORT: '9000' };
    expect(readOptions([], env)).toMatchObject({ recipe: blur(21), tile: 64, queue: 'naive', workers: 2 });
    expect(readOptions(['--kernel', '5', '--serve'], env)).toMatchObject({ recipe: blur(5), port: 9000 });
    expect(readOptions([], { KERNEL_SIZE: '', NUM_WORKERS: '' })).toMatchObject({
      recipe: blur(15),
      workers: defaults.workers,
    });
  });

  it.each([
    [['--bogus'], 'unknown option --bogus'],
    [['-x'], 'unknown option -x'],
    [['--kernel'], '--kernel needs a value'],
    [['-o'], '--out needs a value'],
    [['--open'], '--open goes with --serve'],
    [['--quality', '80'], '--quality goes with --format jpeg'],
    [['--format', 'webp'], '--format is webp; one of png, jpeg is required'],
    [['--format', 'jpeg', '--quality', '0'], '--quality is 0; an integer from 1 to 100 is required'],
    [['--kernel', '4'], '--kernel is 4; an odd integer from 1 to 255 is required'],
    [['--tile', '0'], '--tile is 0; a whole number from 1 to 512 is required'],
    [['--queue', 'fast'], '--queue is fast; one of lease, naive is required'],
    [['--workers', 'many'], '--workers is many; a whole number from 1 to 64 is required'],
    [['--out', ''], '--out is empty; a folder is required'],
    [['--port', '80'], '--port goes with --serve'],
    [['--serve', 'a.png'], '--serve takes no files; send them with curl'],
    [['--serve', '--port', '65536'], '--port is 65536; a whole number from 0 to 65535 is required'],
  ])('refuses %j', (argv, message) => {
    expect(() => readOptions(argv, {})).toThrow(new UsageError(message));
  });

  it.each([
    [[], { KERNEL_SIZE: '4' }, 'KERNEL_SIZE is 4; an odd integer from 1 to 255 is required'],
    [
      ['--filter', 'sharpen'],
      { KERNEL_SIZE: 'x' },
      'KERNEL_SIZE is x; an odd integer from 1 to 255 is required',
    ],
    [[], { TILE_SIZE: '9999' }, 'TILE_SIZE is 9999; a whole number from 1 to 512 is required'],
    [[], { NUM_WORKERS: '0' }, 'NUM_WORKERS is 0; a whole number from 1 to 64 is required'],
    [[], { QUEUE_MODE: 'fast' }, 'QUEUE_MODE is fast; one of lease, naive is required'],
    [['--serve'], { PORT: 'http' }, 'PORT is http; a whole number from 0 to 65535 is required'],
    [['--kernel', '4'], { KERNEL_SIZE: '4' }, '--kernel is 4; an odd integer from 1 to 255 is required'],
  ])('names what the user gave: %j with %j', (argv, env, message) => {
    expect(() => readOptions(argv, env)).toThrow(new UsageError(message));
  });

  it('notices an option that npm did not pass on', () => {
    const env = { npm_lifecycle_event: 'start', npm_config_kernel: '21' };
    expect(() => readOptions(['a.png', '21'], env)).toThrow('npm took --kernel for itself; put -- first');
    expect(readOptions([], { npm_config_kernel: '21' })).toEqual(defaults);
  });
});
