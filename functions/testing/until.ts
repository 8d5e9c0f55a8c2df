// Waits for a condition, never for a fixed time.
import { setTimeout as sleep } from 'node:timers/promises';

/** The pauses between two checks. They grow with the time that has passed, so that a long wait costs little. */
const PAUSE_MS = { shortest: 10, longest: 50 };

/** Resolves with the first truthy result of `check`. Throws after `timeoutMs` and says what it waited for. */
export async function until<T>(
  what: string,
  check: () => T | Promise<T>,
  timeoutMs = 30_000,
): Promise<Exclude<T, false | null | undefined | 0 | ''>> {
  const startedAt = Date.now();
  for (;;) {
    const answer = await check();
    if (answer) return answer as Exclude<T, false | null | undefined | 0 | ''>;
    const waitedMs = Date.now() - startedAt;
    if (waitedMs > timeoutMs) throw new Error(`Waited ${timeoutMs} ms for ${what}`);
    await sleep(Math.min(PAUSE_MS.longest, Math.max(PAUSE_MS.shortest, waitedMs / 10)));
  }
}
