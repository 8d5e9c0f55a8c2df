// What split, assemble, operators and time itself do to images in the model test.
import fc from 'fast-check';
import { command, type Answer, type Command, type ModelState } from './model-step.ts';
import type { ImageModel } from './image-model.ts';
import type { QueueModel } from './queue-model.ts';
import { A, B, C, sourceOf, type Rig } from './rig.ts';

/** One image more often than the others, so that something comes of it. */
const anImage = fc.constantFrom(A, A, A, B, B, C);

/** Two or three of the largest and the smallest fill the budget to the byte, three of the largest do not fit. */
const aPlan = fc.record({
  tiles: fc.integer({ min: 1, max: 3 }),
  bytes: fc.constantFrom(200, 300, 500),
  again: fc.boolean(),
});

export const begin = aPlan.chain((plan) =>
  onImage('begin', {
    with: Object.values(plan),
    aim: (_, image) => image.startsOver(plan.again),
    real: (rig, id) => rig.begin(id, plan),
    model: (model, id) => model.begin(id, plan.tiles, plan.bytes, plan.again),
  }),
);

export const enqueue = fc.tuple(anImage, fc.nat({ max: 2 })).map(([id, tile]) =>
  command({
    name: 'enqueue',
    with: [id, tile],
    when: (model) => tile < (model.images.get(id)?.tileCount ?? Infinity),
    real: ({ rig }) => rig.ledger.enqueue(id, tile, sourceOf(id, tile)),
    model: (model) => model.enqueue(id, tile),
  }),
);

/** Every tile of an image, one after another, as split does it. */
export const enqueueAll = onImage('enqueue all', {
  aim: (_, { state }) => state === 'splitting' || state === 'failed',
  async real({ ledger }, id, before) {
    const answers = [];
    for (const tile of tilesOf(id, before)) answers.push(await ledger.enqueue(id, tile, sourceOf(id, tile)));
    return answers;
  },
  model: (model, id) => tilesOf(id, model).map((tile) => model.enqueue(id, tile)),
});

function tilesOf(id: string, model: ModelState): number[] {
  return [...Array(model.images.get(id)?.tileCount ?? 0).keys()];
}

export const due = fc.constantFrom(100, 5000).map((firstPauseMs) =>
  command({
    name: 'due',
    with: [firstPauseMs],
    real: ({ rig }) => rig.ledger.due(firstPauseMs),
    model: (model) => model.due(firstPauseMs),
  }),
);

export const noteFault = onImage('note fault', {
  aim: (_, image) => image.state === 'blurred',
  real: ({ ledger }, id) => ledger.noteFault(id, 'the disk is full'),
  model: (model, id) => model.noteFault(id, 'the disk is full'),
});

export const finish = onImage('finish', {
  aim: (_, image) => image.state === 'blurred',
  real: ({ ledger }, id) => ledger.finish(id),
  model: (model, id) => model.finish(id),
});

export const cancel = onImage('cancel', {
  real: ({ ledger }, id) => ledger.cancel(id),
  model: (model, id) => model.cancel(id),
});

export const drop = onImage('drop', {
  aim: (_, image) => image.state === 'failed',
  real: (rig, id) => rig.drop(id),
  model: (model, id) => model.drop(id),
});

export const forget = onImage('forget', {
  real: ({ ledger }, id) => ledger.forget(id),
  model: (model, id) => model.forget(id),
});

export const requeue = onImage('requeue', {
  aim: (_, image) => deadTileOf(image) !== undefined,
  real: (rig, id, before) => rig.requeue(`${id}:${deadTileOf(before.images.get(id)) ?? 0}`),
  model: (model, id) => model.requeue(`${id}:${deadTileOf(model.images.get(id)) ?? 0}`),
});

function deadTileOf(image?: ImageModel): number | undefined {
  return [...(image?.tiles ?? [])].find(([, tile]) => tile.place.in === 'dead')?.[0];
}

/**
 * Lets an image's record expire. A record outlives the jobs that wait; with one of the image's jobs on the queue, that
 * is a case of its own (see begin.test.ts).
 */
export const expire = onImage('expire', {
  aim: (model, image, id) => image.isExpiring && !model.queue.some((job) => job.startsWith(id)),
  isAimedOnly: true,
  real: (rig, id) => rig.expire(id),
  model: (model, id) => model.expire(id),
});

/**
 * Lets time pass: within a lease, to its very end, past it, past any pause, past the patience with a silent split; and
 * sets it back, as the clock of a server may be.
 */
export const wait = fc
  .constantFrom(-300, 1, 1, 50, 50, 100, 100, 150, 400, 999, 1000, 1000, 1500, 31_000, 600_000, 600_001)
  .map((ms) =>
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

interface OnImage {
  /** What else the command was drawn with. */
  with?: unknown[];
  /** Images at which most of the commands are aimed, lest histories wander about and get nowhere. */
  aim?: (model: ModelState, image: ImageModel, id: string) => boolean;
  /** Whether the command makes sense with no other image. */
  isAimedOnly?: boolean;
  real: (rig: Rig, id: string, before: ModelState) => Promise<Answer>;
  model: (model: QueueModel, id: string) => Answer;
}

function onImage(
  name: string,
  { with: drawn = [], aim, isAimedOnly, real, model }: OnImage,
): fc.Arbitrary<Command> {
  return fc.tuple(anImage, fc.nat({ max: 3 })).map(([id, luck]) => {
    const isAimed = aim !== undefined && (isAimedOnly || luck > 0);
    const aimsIn = (before: ModelState) =>
      isAimed ? [...before.images].filter(([each, image]) => aim(before, image, each)) : [];
    const idIn = (before: ModelState) => {
      const aims = aimsIn(before);
      return aims.length > 0 ? aims[luck % aims.length][0] : id;
    };
    return command({
      name,
      with: [...(isAimed ? ['aimed', luck, id] : [id]), ...drawn],
      when: (before) => !isAimedOnly || aimsIn(before).length > 0,
      real: ({ rig }, before) => real(rig, idIn(before), before),
      model: (before) => model(before, idIn(before)),
    });
  });
}
