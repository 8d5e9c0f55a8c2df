// What a screen reader says: only important events, and those of a short time together, so that it does not talk all the time.
import { signal } from '@preact/signals';

const EVERY_MS = 1500;

export const announcement = signal('');

let pending: string[] = [];

/** Says `text` soon, together with what else happens until then. */
export function announce(text: string): void {
  pending.push(text);
  if (pending.length > 1) return;
  setTimeout(() => {
    announcement.value = [...new Set(pending)].join(' ');
    pending = [];
  }, EVERY_MS);
}
