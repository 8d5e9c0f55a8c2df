// When something that the page sees changed last. As long as nothing does, the page looks less and less often.

let changedAt = performance.now();
/** What was seen last: the queue's numbers and each image's tiles. */
const seen = new Map<string, string>();

/** Returns for how long nothing has changed. */
export function unchangedMs(): number {
  return performance.now() - changedAt;
}

/** Notes that something is going to change. */
export function expectChange(): void {
  changedAt = performance.now();
}

/** Notes what a look has shown. */
export function noteSeen(what: string, text: string): void {
  if (seen.get(what) !== text) expectChange();
  seen.set(what, text);
}

/** Forgets what will not be looked at any more. */
export function forgetSeen(what: string): void {
  seen.delete(what);
}
