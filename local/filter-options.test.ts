import { describe, expect, it } from 'vitest';
import { filterNames } from '../functions/lib/filters/registry.ts';
import { UsageError } from '../scripts/lib/options.ts';
import { HELP, readOptions, type Options } from './options.ts';

const read = (...args: string[]) => (readOptions(args, {}) as Options).recipe;

describe('the options of npm start that choose a filter', () => {
  it.each([
    [[], { filter: 'blur', values: { kernel: 15 } }],
    [['--kernel', '21'], { filter: 'blur', values: { kernel: 21 } }],
    [['--filter', 'sharpen'], { filter: 'sharpen', values: { kernel: 15, amount: 1 } }],
    [
      ['--filter', 'sharpen', '--kernel', '9', '--amount', '1.50'],
      { filter: 'sharpen', values: { kernel: 9, amount: 1.5 } },
    ],
  ])('read %j', (args, recipe) => expect(read(...args)).toEqual(recipe));

  it.each([
    [['--filter', 'emboss'], `--filter is emboss; one of ${filterNames.join(', ')} is required`],
    [['--kernel', '4'], '--kernel is 4; an odd integer from 1 to 255 is required'],
    [['--kernel', ''], '--kernel is ; an odd integer from 1 to 255 is required'],
    [['--amount', '1'], '--amount is not a parameter of the filter blur'],
    [
      ['--filter', 'sharpen', '--amount', '0'],
      '--amount is 0; a number from 0.01 to 10 with at most two decimals is required',
    ],
  ])('refuse %j', (args, message) => expect(() => read(...args)).toThrow(new UsageError(message)));

  it('are in the help text', () => {
    for (const option of ['--filter', '--kernel', '--amount']) expect(HELP).toContain(` ${option} `);
  });
});
