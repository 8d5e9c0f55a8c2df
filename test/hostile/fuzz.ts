// Feeds a parser mutated inputs. Each one must be accepted or refused with a Problem, quickly. Anything else
// is a fault.
import { Problem, problemBody } from '../../functions/lib/errors.ts';
import { randomFrom } from '../../functions/testing/random.ts';
import { mutant } from './mutate.ts';

/** Something that reads input from strangers. */
export interface Target {
  name: string;
  /** Good inputs, which are mutated. */
  good: Buffer[];
  /** Corrects checksums, so that they do not reveal a mutation. Done to every other input. */
  repair?: (input: Buffer) => Buffer;
  /** Reads one input. Throws a Problem to refuse it. */
  read: (input: Buffer) => unknown;
}

export interface FuzzResult {
  target: string;
  inputs: number;
  taken: number;
  refused: number;
  /** The longest time for one input. */
  slowestMs: number;
  /** Inputs with another outcome than these two, in base64, with what happened. */
  faults: { input: string; what: string }[];
}

/** Limit for one input: many times what any of them needs, even during a garbage collection. */
const MAX_MS = 1000;
const MAX_FAULTS = 10;
const MAX_PROBLEM_BYTES = 1024;

/** Feeds `inputs` inputs to `target`, the same ones for the same `seed`. */
export async function fuzz(target: Target, inputs: number, seed: number): Promise<FuzzResult> {
  const random = randomFrom(seed);
  const result: FuzzResult = {
    target: target.name,
    inputs: 0,
    taken: 0,
    refused: 0,
    slowestMs: 0,
    faults: [],
  };
  while (result.inputs < inputs && result.faults.length < MAX_FAULTS) {
    const mutated = mutant(target.good, random);
    const input = result.inputs % 2 === 0 ? mutated : (target.repair?.(mutated) ?? mutated);
    const fault = (what: string) => result.faults.push({ input: input.toString('base64'), what });
    const startedAt = performance.now();
    try {
      const reading = target.read(input);
      if (reading instanceof Promise) await reading;
      result.taken++;
    } catch (error) {
      result.refused++;
      if (!(error instanceof Problem))
        fault(error instanceof Error ? (error.stack ?? error.message) : String(error));
      else if (Buffer.byteLength(JSON.stringify(problemBody(error))) > MAX_PROBLEM_BYTES)
        fault('a problem over 1 KB');
    }
    const ms = performance.now() - startedAt;
    result.slowestMs = Math.max(result.slowestMs, ms);
    if (ms > MAX_MS) fault(`it took ${Math.round(ms)} ms`);
    result.inputs++;
  }
  return result;
}
