// What a pod of assemble does with an event.
import { rowMs, type Image } from './image.ts';
import type { Pod } from './pods.ts';
import type { Redis } from './redis.ts';
import type { Settings } from './settings.ts';
import type { Process, Simulation } from './simulation.ts';
import { Tokens } from './station.ts';

/** Rows that are compressed at once, as in functions/lib/image/png/encode.ts. */
const JOBS_AHEAD = 4;

/** Rows are fetched ahead of the thread that joins them, and zlib compresses the earlier ones meanwhile. */
export function* assemble(
  simulation: Simulation,
  settings: Settings,
  redis: Redis,
  pod: Pod,
  image: Image,
): Process {
  const costs = settings.costs.functions.assemble;
  yield* redis.ask(costs.redis.msPerImage);
  yield* pod.thread.work(costs.thread.msPerImage);
  const fetched = new Tokens(0);
  const compressed = new Tokens(0);
  simulation.start(redis.thread.repeat(image.rows, rowMs(image, costs.redis), fetched));
  for (let row = 0; row < image.rows; row++) {
    yield* fetched.take();
    yield* pod.thread.work(rowMs(image, costs.thread));
    if (row >= JOBS_AHEAD) yield* compressed.take();
    simulation.start(pod.helpers.repeat(1, rowMs(image, costs.helpers), compressed));
  }
  yield* compressed.take(Math.min(image.rows, JOBS_AHEAD));
}
