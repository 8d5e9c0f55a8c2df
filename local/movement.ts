// Notices that a run is stuck: nothing visible changes any more.
import { setTimeout as sleep } from 'node:timers/promises';

const LOOKS = 20;

/** Resolves when `look` has returned the same for `limitMs`, or when `signal` is aborted. */
export async function untilNothingMoves(
  look: () => Promise<string>,
  limitMs: number,
  signal: AbortSignal,
  pause: (ms: number) => Promise<unknown> = (ms) => sleep(ms, undefined, { signal }),
): Promise<void> {
  let movedAt = performance.now();
  let before = '';
  while (!signal.aborted) {
    const now = await look();
    if (now !== before) movedAt = performance.now();
    else if (performance.now() - movedAt >= limitMs) return;
    before = now;
    await pause(limitMs / LOOKS).catch(() => {}); // The loop sees that it is over.
  }
}
