// The access token, for a split that requires one. The session storage of the browser keeps it for this tab, until it is closed.
import { signal } from '@preact/signals';

const KEY = 'tessera-token';
/** The format of split's tokens. fetch would throw for a token with any other character outside of Latin-1. */
const FORMAT = /^[A-Za-z0-9._~+/-]{16,256}={0,2}$/;

/** Whether the user must be asked for a token, and why. */
export const tokenWanted = signal<'no' | 'missing' | 'refused'>('no');

/** The token that requests are sent with. It is stored once split has accepted it. */
let current: string | null = null;
let waiting: PromiseWithResolvers<void> | null = null;

export function currentToken(): string | null {
  return (current ??= tokenIn(sessionStorage.getItem(KEY) ?? ''));
}

/** Returns the token in a text that was copied from somewhere, or null if the text is not a token. */
function tokenIn(text: string): string | null {
  const token = text.replace(/^\s*bearer\s/i, '').replaceAll(/\s/g, '');
  return FORMAT.test(token) ? token : null;
}

/**
 * Resolves when there is another token than `refused`. The user is asked once, no matter how many requests were refused.
 */
export async function anotherToken(refused: string | null): Promise<void> {
  if (currentToken() !== refused) return;
  sessionStorage.removeItem(KEY);
  waiting ??= Promise.withResolvers();
  tokenWanted.value = refused === null ? 'missing' : 'refused';
  return waiting.promise;
}

/** Notes that split has accepted a token. */
export function noteAccepted(token: string | null): void {
  if (token !== null && token === current) sessionStorage.setItem(KEY, token);
}

/** Sends the waiting requests with the token in `text`, or asks again if there is none. */
export function useToken(text: string): void {
  const token = tokenIn(text);
  if (token === null) {
    tokenWanted.value = 'refused';
    return;
  }
  current = token;
  tokenWanted.value = 'no';
  waiting?.resolve();
  waiting = null;
}
