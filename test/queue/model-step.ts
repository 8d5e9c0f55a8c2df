// One command of the model test. It is run on the queue and on the model, and both must return the same. Then
// everything in Redis must keep the invariants and match the model.
import type fc from 'fast-check';
import { expect } from 'vitest';
import { brokenInvariants, isSwept } from './invariants.ts';
import { viewOfModel, viewOfSnapshot } from './model-view.ts';
import type { QueueModel } from './queue-model.ts';
import type { Rig } from './rig.ts';

/** The queue under test, and what the test keeps with it. */
export interface Real {
  rig: Rig;
  /** The next value of Math.random() in the queue. */
  jitter: { next: number };
  /** Commands with their answers, such as `ack: last`: what the runs have reached. */
  seen: Set<string>;
}

export type Command = fc.AsyncCommand<QueueModel, Real>;
/** The model, for reading only. */
export type ModelState = Readonly<QueueModel>;
export type Answer = unknown;

export interface Step {
  /** The command's name and its random values. */
  name: string;
  with: unknown[];
  /** Whether it makes sense now; by default always. */
  when?: (model: ModelState) => boolean;
  /** Runs it on the queue first, while the model is unchanged. */
  real: (real: Real, model: ModelState) => Promise<Answer>;
  model: (model: QueueModel) => Answer;
}

export function command(step: Step): Command {
  const title = `${step.name}(${step.with.map(short).join(', ')})`;
  return {
    check: (model) => step.when?.(model) ?? true,
    async run(model, real) {
      const got = await step.real(real, model);
      const wanted = step.model(model);
      expect(got, `the answer of ${title}`).toEqual(wanted);
      for (const each of [wanted].flat()) real.seen.add(`${step.name}: ${kindOf(each)}`);
      const snapshot = await real.rig.look();
      if (Object.values(snapshot.byImage).some(isSwept)) real.seen.add('a life that is being swept');
      if (snapshot.isParted) real.seen.add('a list that is being tidied');
      expect(brokenInvariants(snapshot), `what is broken after ${title}`).toEqual([]);
      expect(viewOfSnapshot(snapshot), `what is in Redis after ${title}`).toEqual(viewOfModel(model));
    },
    toString: () => title,
  };
}

/** Returns the kind of an answer: `acked`, `null`, `something` for a claim or an image's id. */
function kindOf(answer: Answer): string {
  if (typeof answer === 'object' && answer !== null) return 'something';
  const text = String(answer).replace(/ [0-9a-f]{24}(:\d+)?$/, '');
  return /^[0-9a-f]{24}(:\d+)?$/.test(text) ? 'something' : text;
}

/** Ids are one digit 24 times; once is enough to read. */
function short(value: unknown): string {
  return String(value).replace(/([abc])\1{23}/g, (_, digit: string) => digit.toUpperCase());
}
