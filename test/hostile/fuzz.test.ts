import { describe, expect, it } from 'vitest';
import { fuzz } from './fuzz.ts';
import { fuzzTargets } from './fuzz-targets.ts';

const targets = await fuzzTargets();
/** Enough to apply each kind of mutation at each place a few times; `npm run fuzz` uses a million. */
const inputsOf = (name: string): number => (name === 'png' || name === 'jpeg' ? 300 : 5000);

describe('mutated input', () => {
  it.each(targets)('to the parser of $name is accepted or refused, quickly', async (target) => {
    const result = await fuzz(target, inputsOf(target.name), 1);
    expect(result.faults).toEqual([]);
    expect(result.taken + result.refused).toBe(inputsOf(target.name));
  });
});

describe('the fuzzer', () => {
  it('makes the same inputs for the same seed, and other inputs for another seed', async () => {
    const drawn = async (seed: number): Promise<string[]> => {
      const inputs: string[] = [];
      const read = (input: Buffer) => inputs.push(input.toString('latin1'));
      await fuzz({ name: 'any', good: [Buffer.from('a good input')], read }, 50, seed);
      return inputs;
    };
    expect(await drawn(1)).toEqual(await drawn(1));
    expect(await drawn(1)).not.toEqual(await drawn(2));
  });

  it('reports an input that causes any error but a Problem', async () => {
    const read = (input: Buffer): void => {
      if (input.includes(0xff)) throw new TypeError('a bug');
    };
    const { faults } = await fuzz({ name: 'buggy', good: [Buffer.alloc(8)], read }, 2000, 1);
    expect(faults[0].what).toContain('TypeError: a bug');
    expect(Buffer.from(faults[0].input, 'base64').includes(0xff)).toBe(true);
  });
});
