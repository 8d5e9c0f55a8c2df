// How often the page asks split. It asks often while tiles move, and not at all when nothing has been in progress for some
// time, so that an open page does not keep a pod running.

export interface Situation {
  /** Whether anything is sent, queued, in flight or unfinished. */
  isBusy: boolean;
  /** For how long nothing has changed. */
  unchangedMs: number;
  /** How many times in a row split did not answer. */
  failures: number;
}

const LIVE_MS = 300;
const SLOWEST_MS = 15_000;
const ASLEEP_AFTER_MS = 120_000;
/** An image whose upload was cut off may stay unfinished for ever. */
const STUCK_AFTER_MS = 900_000;

/** Returns the pause until the page asks again, or null to stop until somebody uses the page. */
export function nextPauseMs({ isBusy, unchangedMs, failures }: Situation): number | null {
  if (failures > 0) return Math.min(SLOWEST_MS, 500 * 2 ** failures);
  if (unchangedMs >= STUCK_AFTER_MS) return null;
  if (isBusy) return Math.min(2000, Math.max(LIVE_MS, unchangedMs / 10));
  if (unchangedMs < 10_000) return 1000;
  return unchangedMs < ASLEEP_AFTER_MS ? 5000 : null;
}
