// The access token, for a split that requires one. The session storage of the browser keeps it for this tab, until it is closed.
import { signal } from '@preact/signals';

const KEY = 'tessera-token';

/** Whether the user must be asked for a token, and why. */
export const tokenWanted = signal<'no' | 'missing' | 'refused'>('no');

let waiting: PromiseWithResolvers<void> | null = null;

export function currentToken(): string | null {
  return sessionStorage.getItem(KEY);
}

/**
 * Resolves when there is another token than `refused`. The user is asked once, no matter how many requests were refused.
 */
export async function anotherToken(refused: string | null): Promise<void> {
  if (currentToken() !== refused) return;
  waiting ??= Promise.withResolvers();
  tokenWanted.value = refused === null ? 'missing' : 'refused';
  return waiting.promise;
}

export function useToken(token: string): void {
  sessionStorage.setItem(KEY, token.trim());
  tokenWanted.value = 'no';
  waiting?.resolve();
  waiting = null;
}
