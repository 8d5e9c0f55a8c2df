// Parts of the HTTP API that can be switched off.
import { Problem } from '../lib/errors.ts';

/** Throws Problem `switched-off` if `setting` is off. `what` is its name in the message. */
export function assertIsOn(setting: 'on' | 'off', what: string): void {
  if (setting === 'off') throw new Problem('switched-off', `${what} is switched off here.`);
}
