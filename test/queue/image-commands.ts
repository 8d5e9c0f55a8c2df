// What split, assemble, operators and time itself do to images in the model test.
import fc from 'fast-check';
import { command, type Answer, type Command, type ModelState } from './model-step.ts';
import type { QueueModel } from './queue-model.ts';
import { A, B, C, sourceOf, type Rig } from './rig.ts';

const anImage = fc.constantFrom(A, B, C);

export const begin = fc
  .record({
    id: anImage,
    expected: fc.integer({ min: 1, max: 3 }),
    bytes: fc.constantFrom(300, 500),
    again: fc.boolean(),
  })
  .map(({ id, expected, bytes, again }) =>
    command({
      name: 'begin',
      with: [id, expected, bytes, again],
      real: ({ rig }) => rig.begin(id, { expected, bytes, again }),
      model: (model) => model.begin(id, expected, bytes, again),
    }),
  );

export const enqueue = fc.tuple(anImage, fc.nat({ max: 2 })).map(([id, tile]) =>
  command({
    name: 'enqueue',
    with: [id, tile],
    when: (model) => tile < (model.images.get(id)?.expected ?? Infinity),
    real: ({ rig }) => rig.ledger.enqueue(id, tile, sourceOf(id, tile)),
    model: (model) => model.enqueue(id, tile),
  }),
);

/** Every tile of an image, one after another, as split does it. */
export const enqueueAll = anImage.map((id) => {
  const tilesIn = (model: ModelState) => [...Array(model.images.get(id)?.expected ?? 0).keys()];
  return command({
    name: 'enqueue all',
    with: [id],
    async real({ rig }, model) {
      const answers = [];
      for (const tile of tilesIn(model)) answers.push(await rig.ledger.enqueue(id, tile, sourceOf(id, tile)));
      return answers;
    },
    model: (model) => tilesIn(model).map((tile) => model.enqueue(id, tile)),
  });
});

export const due = fc.constantFrom(100, 5000).map((firstPauseMs) =>
  command({
    name: 'due',
    with: [firstPauseMs],
    real: ({ rig }) => rig.ledger.due(firstPauseMs),
    model: (model) => model.due(firstPauseMs),
  }),
);

export const noteFault = onImage('note fault', {
  real: ({ ledger }, id) => ledger.noteFault(id, 'the disk is full'),
  model: (model, id) => model.noteFault(id, 'the disk is full'),
});

export const finish = onImage('finish', {
  real: ({ ledger }, id) => ledger.finish(id, 'photo_blurred.png'),
  model: (model, id) => model.finish(id, 'photo_blurred.png'),
});

export const cancel = onImage('cancel', {
  real: ({ ledger }, id) => ledger.cancel(id),
  model: (model, id) => model.cancel(id),
});

export const drop = onImage('drop', {
  real: (rig, id) => rig.drop(id),
  model: (model, id) => model.drop(id),
});

export const forget = onImage('forget', {
  real: ({ ledger }, id) => ledger.forget(id),
  model: (model, id) => model.forget(id),
});

export const requeue = fc.tuple(anImage, fc.nat({ max: 2 })).map(([id, tile]) =>
  command({
    name: 'requeue',
    with: [id, tile],
    real: ({ rig }) => rig.requeue(`${id}:${tile}`),
    model: (model) => model.requeue(`${id}:${tile}`),
  }),
);

/** Lets time pass: within a lease, to its very end, past it, past any pause, past the patience with a silent split. */
export const wait = fc.constantFrom(1, 50, 100, 150, 400, 1000, 1500, 31_000, 600_001).map((ms) =>
  command({
    name: 'wait',
    with: [ms],
    async real({ rig }) {
      rig.now += ms;
    },
    model: (model) => {
      model.now += ms;
    },
  }),
);

/** What a restart or a failover does to scripts. */
export const forgetScripts = fc.constant(
  command({
    name: 'SCRIPT FLUSH',
    with: [],
    real: async ({ rig }) => void (await rig.redis.script('FLUSH')),
    model: () => undefined,
  }),
);

/**
 * Lets an image's record expire, which takes Redis a real hour. A record outlives the jobs that wait: with one of the
 * image's jobs on the queue, that is a case of its own (see image-ledger.test.ts).
 */
export const expire = anImage.map((id) =>
  command({
    name: 'expire',
    with: [id],
    when: (model) =>
      Boolean(model.images.get(id)?.isExpiring) && !model.queue.some((job) => job.startsWith(id)),
    real: ({ rig }) => rig.expire(id),
    model: (model) => model.expire(id),
  }),
);

interface OnImage {
  real: (rig: Rig, id: string) => Promise<Answer>;
  model: (model: QueueModel, id: string) => Answer;
}

function onImage(name: string, { real, model }: OnImage): fc.Arbitrary<Command> {
  return anImage.map((id) =>
    command({
      name,
      with: [id],
      real: ({ rig }) => real(rig, id),
      model: (before) => model(before, id),
    }),
  );
}
