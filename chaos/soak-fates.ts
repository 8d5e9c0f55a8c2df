// How the workers of a soak end: at a random step and moment, the same for the same seed.
import type { Moment } from './redis-link.ts';
import type { Passage, Stop } from './redis-proxy.ts';
import type { Step } from './steps.ts';

type Mode = 'naive' | 'lease';

const saysSomething = ({ answer }: Pick<Passage, 'answer'>) => answer !== '';

/** The steps of a tile, by queue mode, at which a worker may die. */
const ways: Record<Mode, { step: Step; moment: Moment }[]> = {
  lease: [
    { step: 'claim', moment: 'request' },
    { step: 'claim', moment: 'reply' },
    { step: 'get', moment: 'request' },
    { step: 'get', moment: 'reply' },
    { step: 'ack', moment: 'request' },
    { step: 'ack', moment: 'reply' },
  ],
  naive: [
    { step: 'brpop', moment: 'request' },
    { step: 'brpop', moment: 'reply' },
    { step: 'get', moment: 'request' },
    { step: 'get', moment: 'reply' },
    { step: 'naive-ack', moment: 'request' },
    { step: 'naive-ack', moment: 'reply' },
  ],
};

/** Returns a step for a worker to end at, after `tiles` tiles on average. */
export function drawStop(mode: Mode, tiles: number, random: () => number): Stop {
  const way = ways[mode];
  const point = way[Math.floor(random() * way.length)];
  const nth = 1 + Math.floor(random() * 2 * Math.max(0, tiles - 1));
  return point.moment === 'reply' ? { ...point, nth, where: saysSomething } : { ...point, nth };
}
