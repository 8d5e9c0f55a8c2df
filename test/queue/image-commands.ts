// What split, assemble, operators and time do to images in the model test.
import fc from 'fast-check';
import { command, type Answer, type Command, type ModelState } from './model-step.ts';
import type { ImageModel } from './image-model.ts';
import type { QueueModel } from './queue-model.ts';
import { A, B, C, PREFIX, RESULT_BYTES, sourceOf, type Rig } from './rig.ts';

/** One image occurs more often than the others, so that it gets further. */
const anImage = fc.constantFrom(A, A, A, B, B, C);

/**
 * Two or three of the largest and the smallest fill the budget to the byte; three of the largest do not fit.
 * The middle one and one of the others fill a client's share or exceed it. The fourth only fits into a share
 * without a record.
 */
const aPlan = fc.record({
  tiles: fc.integer({ min: 1, max: 3 }),
  bytes: fc.constantFrom(200_000, 300_000, 500_000, 698_000),
  client: fc.constantFrom('ann', 'ann', 'ben'),
  again: fc.boolean(),
});

export const begin = aPlan.chain((plan) =>
  onImage('begin', {
    with: Object.values(plan),
    aim: (_, image) => image.startsOver(plan.again),
    real: (rig, id) => rig.begin(id, plan),
    model: (model, id) => model.begin(id, plan),
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

/** All tiles of an image, one after another, as in split. */
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

/** How often an event may be sent. Few enough for some to be given up. */
const sendings = fc.constantFrom(1, 1, 2, 100, 100);
/** Checks of an outbox, one after another, with enough time between them for the first pause. */
const checks = fc.tuple(fc.constantFrom(100, 100, 5000), sendings, fc.constantFrom(1, 1, 2));

export const due = checks.map(([firstPauseMs, maxSendings, times]) =>
  command({
    name: 'due',
    with: [firstPauseMs, maxSendings, times],
    async real({ rig }) {
      const answers = [];
      for (let check = 0; check < times; check++) {
        rig.now += check * firstPauseMs;
        answers.push(await rig.due(firstPauseMs, maxSendings));
      }
      return answers;
    },
    model: (model) =>
      Array.from({ length: times }, (_, check) => {
        model.now += check * firstPauseMs;
        return model.due(firstPauseMs, maxSendings);
      }),
  }),
);

export const nextNotice = checks.map(([holdMs, maxSendings, times]) =>
  command({
    name: 'next notice',
    with: [holdMs, maxSendings, times],
    async real({ rig }) {
      const answers = [];
      for (let check = 0; check < times; check++) {
        rig.now += check * holdMs;
        answers.push(await rig.nextNotice(holdMs, maxSendings));
      }
      return answers;
    },
    model: (model) =>
      Array.from({ length: times }, (_, check) => {
        model.now += check * holdMs;
        return model.nextNotice(holdMs, maxSendings);
      }),
  }),
);

/** Makes one of the notices due again, after its last sending or, from a sender that is late, after the one before. */
export const retryNotice = fc
  .tuple(fc.nat({ max: 9 }), fc.boolean(), fc.constantFrom(100, 5000))
  .map(([luck, isLate, firstPauseMs]) => {
    const failed = (model: ModelState) => {
      const [notice, { sent }] = [...model.notices][luck % model.notices.size];
      return { notice, sendings: sent - Number(isLate) };
    };
    return command({
      name: 'retry notice',
      with: [luck, isLate, firstPauseMs],
      when: (model) => model.notices.size > 0,
      real: ({ rig }, before) => rig.notices.retry(failed(before), firstPauseMs),
      model: (model) => {
        const { notice, sendings } = failed(model);
        return model.retryNotice(notice, sendings, firstPauseMs);
      },
    });
  });

/** Closes one of the notices, or one that was closed before. */
export const closeNotice = fc.nat({ max: 9 }).map((luck) => {
  const noticeIn = (model: ModelState) => [...model.notices.keys()][luck % model.notices.size] ?? `${A}:1`;
  return command({
    name: 'close notice',
    with: [luck],
    real: ({ rig }, before) => rig.notices.close(noticeIn(before)),
    model: (model) => model.closeNotice(noticeIn(model)),
  });
});

export const noteFault = onImage('note fault', {
  aim: (_, image) => image.state === 'blurred',
  real: ({ ledger }, id) => ledger.noteFault(id, 'the disk is full'),
  model: (model, id) => model.noteFault(id, 'the disk is full'),
});

/** A process that ends an image sometimes dies before it is swept; then others do the rest. */
const dies = fc.boolean();

export const finish = dies.chain((isDying) =>
  onImage('finish', {
    with: [isDying],
    aim: (_, image) => image.state === 'blurred',
    real: ({ ledger, dying }, id) => (isDying ? dying.finish(id) : ledger.finish(id, RESULT_BYTES)),
    model: (model, id) => model.finish(id),
  }),
);

export const cancel = dies.chain((isDying) =>
  onImage('cancel', {
    with: [isDying],
    real: ({ ledger, dying }, id) => (isDying ? dying.cancel(id) : ledger.cancel(id)),
    model: (model, id) => model.cancel(id),
  }),
);

export const drop = dies.chain((isDying) =>
  onImage('drop', {
    with: [isDying],
    aim: (_, image) => image.state === 'failed',
    real: async ({ ledger, dying }, id) => (isDying ? dying.drop(id) : ledger.drop(id)),
    model: (model, id) => model.drop(id),
  }),
);

export const forget = dies.chain((isDying) =>
  onImage('forget', {
    with: [isDying],
    real: ({ ledger, dying }, id) => (isDying ? dying.forget(id) : ledger.forget(id)),
    model: (model, id) => model.forget(id),
  }),
);

/** A few steps of sweeping ended lives, as small as possible. */
export const sweep = fc.tuple(anImage, fc.integer({ min: 1, max: 5 })).map(([id, steps]) =>
  command({
    name: 'sweep',
    with: [id, steps],
    async real({ rig }) {
      for (let step = 0; step < steps; step++) await rig.sweepOneTile(id);
    },
    model: () => undefined,
  }),
);

/** Starts tidying a list that may not need it: naive workers make more entries count as stale than there are. */
export const tidy = fc.constant(
  command({
    name: 'tidy',
    with: [],
    async real({ rig }) {
      await rig.redis.hincrby(`${PREFIX}:totals`, 'stale', 100);
      await rig.sweepOneTile();
    },
    model: () => undefined,
  }),
);

export const requeue = onImage('requeue', {
  aim: (_, image) => image.state === 'failed' && !image.isOver,
  real: (rig, id, before) => rig.ledger.requeue(letterOf(id, before)),
  model: (model, id) => model.requeue(letterOf(id, model)),
});

/** A dead letter of the image; its first tile if it has none. */
function letterOf(id: string, model: ModelState): string {
  const image = model.images.get(id);
  if (image?.isGivenUp) return id;
  const [dead = 0] = [...(image?.tiles ?? [])].find(([, tile]) => tile.place.in === 'dead') ?? [];
  return `${id}:${dead}`;
}

/** Lets the time of a failed image pass, or of the record of an ended one. */
export const expire = onImage('expire', {
  aim: (_, image) => image.isSettled,
  isAimedOnly: true,
  real: (rig, id) => rig.expire(id),
  model: (model, id) => model.expire(id),
});

/**
 * Lets time pass: within a lease, to its exact end, beyond it, beyond any pause, beyond the time for a silent
 * split. Also sets it back, as may happen to a server's clock.
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
  /** The other random values of the command. */
  with?: unknown[];
  /** Images that most commands use, because purely random histories reach too little. */
  aim?: (model: ModelState, image: ImageModel, id: string) => boolean;
  /** Whether the command makes sense without another image. */
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
