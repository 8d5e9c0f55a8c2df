import { execFile } from 'node:child_process';
import { describe, expect, it, test } from 'vitest';
import { kernel } from '../../functions/lib/filters/filter.ts';
import { oneOf, parameterValue, parseOptions, UsageError, wholeNumber } from '../../scripts/lib/options.ts';

describe('an option', () => {
  it('is a whole number within its range', () => {
    expect(wholeNumber('kills', '1000', 1, 1000)).toBe(1000);
    expect(wholeNumber('seed', '7')).toBe(7);
  });

  it.each(['0', '1001', '-1', '1.5', '', ' 5', '0x10', '1e2', 'many', 'Infinity'])('is not %j', (text) => {
    expect(() => wholeNumber('kills', text, 1, 1000)).toThrow(
      new UsageError(`--kills is ${text}; a whole number from 1 to 1000 is required`),
    );
  });

  it('is a kernel size', () => expect(parameterValue('kernel', '255', kernel)).toBe(255));

  it.each(['0', '4', '257', '-3', '', '1e1', '3.0'])('is no kernel size of %j', (text) => {
    expect(() => parameterValue('kernel', text, kernel)).toThrow(
      new UsageError(`--kernel is ${text}; an odd integer from 1 to 255 is required`),
    );
  });

  it('is one of some words', () => {
    expect(oneOf('queue', 'naive', ['lease', 'naive'])).toBe('naive');
    expect(() => oneOf('queue', 'fast', ['lease', 'naive'])).toThrow(
      new UsageError('--queue is fast; one of lease, naive is required'),
    );
  });

  it.each([[['--bogus']], [['--queue']], [['--queue', '--bogus']], [['word']]])('is refused: %j', (args) => {
    const options = { queue: { type: 'string' } } as const;
    expect(() => parseOptions({ args, options })).toThrow(UsageError);
  });
});

/** Each command, with a number that it reads. */
const commands: [path: string, option: string][] = [
  ['scripts/start.mjs', '--workers'],
  ['scripts/soak.ts', '--kills'],
  ['scripts/fuzz.ts', '--inputs'],
  ['scripts/load.ts', '--seconds'],
  ['scripts/watch.ts', '--interval'],
  ['chaos/chaos.ts', '--kills'],
  ['test/mutants/run.ts', '--jobs'],
];

test.each([
  ...commands.flatMap(([path, option]) => [
    [path, '--bogus'],
    [path, option],
    [path, option, 'x'],
  ]),
  ['scripts/dead-letters.ts', '--bogus'],
  ['scripts/dead-letters.ts', 'bury'],
  ['bench/run.ts', '--bogus'],
  ['bench/run.ts', 'fast'],
  ['bench/run.ts', 'toString'],
  ['chaos/chaos.ts', '--image'],
  ['chaos/chaos.ts', '--queue', 'fast'],
])('%s %s %s is one line and exit 2', async (path, ...args) => {
  const { code, stderr } = await run(
    path,
    args.filter((arg) => arg !== undefined),
  );
  expect(stderr).toMatch(/^error: .+ \(try --help\)\n$/);
  expect(code).toBe(2);
});

async function run(path: string, args: string[]): Promise<{ code: number; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [path, ...args], { timeout: 30_000 }, (error, _stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stderr }),
    );
  });
}
