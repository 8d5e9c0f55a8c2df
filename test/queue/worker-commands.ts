// What workers send to the queue in the model test: new claims, and every command by a worker that got a tile
// at some time, whether it still holds it or not, once or twice.
import fc from 'fast-check';
import { formatJob, parseJob } from '../../functions/lib/job.ts';
import type { Claim } from '../../functions/lib/queue/tile-queue.ts';
import { command, type Answer, type Command, type ModelState, type Real } from './model-step.ts';
import type { QueueModel } from './queue-model.ts';
import { pixels, planOf, POLICY, sourceOf, type Rig } from './rig.ts';

/** Values of Math.random(): its ends and its middle. */
const aJitter = fc.constantFrom(0, 0.5, 1);

/** Which claim, counted back from the last one, which probably still holds its tile; earlier ones less and less. */
const aHolder = fc.constantFrom(0, 0, 0, 1, 1, 2, 3, 4, 5);

/** Longer than any pause before a retry, shorter than a lease: together they are shorter than one. */
const RETRY_MS = 320;

export const claim = aJitter.map((jitter) => {
  return command({
    name: 'claim',
    with: [jitter],
    real: (real, model) => claimOfQueue(real, tokenIn(model), jitter),
    model: (model) => claimOfModel(model, tokenIn(model), jitter),
  });
});

export const claimAgain = byHolder('claim again', {
  real: (real, { token }, _model, jitter) => claimOfQueue(real, token, jitter),
  model: (model, _job, token, jitter) => claimOfModel(model, token, jitter),
});

export const extend = byHolder('extend', {
  real: ({ rig }, holder) => rig.queue.extend(holder),
  model: (model, job, token) => model.extend(job, token),
});

/** Each claim acks different bytes, and other bytes at another time, so that a replaced result would be noticed. */
export const ack = byHolder('ack', {
  real: ({ rig }, holder, { now }) => rig.queue.ack(holder, pixels(`core by ${holder.token} at ${now}`)),
  model: (model, job, token) => model.ack(job, token, `core by ${token} at ${model.now}`),
});

export const fail = byHolder('fail', {
  real: ({ rig }, holder) => rig.queue.fail(holder, `broke under ${holder.token}`),
  model: (model, job, token, jitter) => model.fail(job, token, `broke under ${token}`, jitter),
});

export const release = byHolder('release', {
  real: ({ rig }, holder) => rig.queue.release(holder),
  model: (model, job, token) => model.release(job, token),
});

/** A poison tile: the next tile is claimed and fails repeatedly, until its attempts are used up. */
export const wearOut = inARow('wear out', {
  times: POLICY.maxAttempts,
  real: async (rig, claim) => {
    rig.now += RETRY_MS;
    return rig.queue.fail(claim, 'poison');
  },
  model: (model, job, token) => {
    model.now += RETRY_MS;
    return model.fail(job, token, 'poison', 0);
  },
});

/** A good worker: every ready tile is claimed and acked. */
export const work = inARow('work', {
  times: 9,
  real: (rig, claim) => rig.queue.ack(claim, pixels(`core by ${claim.token}`)),
  model: (model, job, token) => model.ack(job, token, `core by ${token}`),
});

interface InARow {
  times: number;
  real: (rig: Rig, claim: Claim) => Promise<Answer>;
  model: (model: QueueModel, job: string, token: string) => Answer;
}

/** Claims one tile after another and does the same with each, without other commands in between. */
function inARow(name: string, { times, real, model }: InARow): fc.Arbitrary<Command> {
  const tokensIn = (before: ModelState) =>
    Array.from({ length: times }, (_, each) => `${tokenIn(before)}, ${name} ${each}`);
  return fc.constant(
    command({
      name,
      with: [],
      async real({ rig, jitter }, before) {
        jitter.next = 0;
        const answers: Answer[] = [];
        for (const token of tokensIn(before)) {
          const claim = await rig.queue.claim(token);
          answers.push(claim && (await real(rig, claim)));
        }
        return answers;
      },
      model: (before) =>
        tokensIn(before).map((token) => {
          const claim = before.claim(token, 0);
          return claim && model(before, claim.job, token);
        }),
    }),
  );
}

interface ByHolder {
  real: (real: Real, holder: Claim, model: ModelState, jitter: number) => Promise<Answer>;
  model: (model: QueueModel, job: string, token: string, jitter: number) => Answer;
}

function byHolder(name: string, { real, model }: ByHolder): fc.Arbitrary<Command> {
  return fc.tuple(aHolder, aJitter).map(([back, jitter]) => {
    const holderIn = ({ claimed }: ModelState) => claimed[claimed.length - 1 - back];
    return command({
      name,
      with: [back, jitter],
      when: (before) => back < before.claimed.length,
      real(world, before) {
        const { job, token } = holderIn(before);
        world.jitter.next = jitter;
        return real(world, holderOf(job, token), before, jitter);
      },
      model(before) {
        const { job, token } = holderIn(before);
        return model(before, job, token, jitter);
      },
    });
  });
}

/** A token that no claim has had. */
function tokenIn({ claimed }: ModelState): string {
  return `claim-${claimed.length}`;
}

async function claimOfQueue(real: Real, token: string, jitter: number): Promise<Answer> {
  real.jitter.next = jitter;
  const claim = await real.rig.queue.claim(token);
  if (!claim) return null;
  const { width, height, tileSizePx, recipe, trace } = claim;
  return {
    job: formatJob(claim.job),
    attempt: claim.attempt,
    source: String(claim.source),
    width,
    height,
    tileSizePx,
    recipe,
    trace,
  };
}

function claimOfModel(model: QueueModel, token: string, jitter: number): Answer {
  const claim = model.claim(token, jitter);
  if (!claim) return null;
  const isNew = !model.claimed.some((each) => each.job === claim.job && each.token === token);
  if (isNew) model.claimed.push({ job: claim.job, token });
  const { imageId, tile } = holderOf(claim.job, token).job;
  const { width, height, tileSizePx, recipe, trace } = planOf(model.images.get(imageId)?.tileCount ?? 0);
  return { ...claim, source: String(sourceOf(imageId, tile)), width, height, tileSizePx, recipe, trace };
}

/** A claim as its worker keeps it, as far as the queue uses it. */
function holderOf(job: string, token: string): Claim {
  const parsed = parseJob(job);
  if (!parsed) throw new Error(`${job} is no job`);
  const { width, height, tileSizePx, recipe, trace } = planOf(1);
  return { job: parsed, token, attempt: 1, source: null, width, height, tileSizePx, recipe, trace };
}
