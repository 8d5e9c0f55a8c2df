// One command of the model test: it is made of the queue and of the model, the answers must be the same, and then
// everything in Redis must be as it is promised and as the model has it.
import type fc from 'fast-check';
import { expect } from 'vitest';
import { brokenInvariants, isSwept } from './invariants.ts';
import { viewOfModel, viewOfSnapshot } from './model-view.ts';
import type { QueueModel } from './queue-model.ts';
import type { Rig } from './rig.ts';

/** The queue under test, and what the test keeps beside it. */
export interface Real {
  rig: Rig;
  /** What Math.random() gives the queue. */
  jitter: { next: number };
  /** Commands with their answers, as `ack: last`: what the runs have reached. */
  seen: Set<string>;
}

export type Command = fc.AsyncCommand<QueueModel, Real>;
/** The model, to be looked at only. */
export type ModelState = Readonly<QueueModel>;
export type Answer = unknown;

export interface Step {
  /** The command's name, and what it was drawn with. */
  name: string;
  with: unknown[];
  /** Whether it makes sense now; always, unless told. */
  when?: (model: ModelState) => boolean;
  /** Made of the queue first, while the model is as it was. */
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

/** An answer as far as it tells what was reached: `acked`, `null`, `something` for a claim or an image's id. */
function kindOf(answer: Answer): string {
  if (typeof answer === 'object' && answer !== null) return 'something';
  const text = String(answer).replace(/ [0-9a-f]{24}$/, '');
  return /^[0-9a-f]{24}$/.test(text) ? 'something' : text;
}

/** Ids are one digit 24 times over; once is enough to read. */
function short(value: unknown): string {
  return String(value).replace(/([abc])\1{23}/g, (_, digit: string) => digit.toUpperCase());
}
