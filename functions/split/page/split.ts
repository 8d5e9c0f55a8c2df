// Calls split's API. Paths are relative to the page, so that it also works behind a proxy that serves it under a prefix.
import { Away, faultOf } from './faults.ts';
import { anotherToken, currentToken, noteAccepted } from './token.ts';
import type { DeadLetter, ImageView, ListedImage, QueueView, TilesView } from './views.ts';

/** After this time without an answer split counts as away. */
const PATIENCE_MS = 20_000;
/** The longest time for fetching a result. */
const RESULT_PATIENCE_MS = 600_000;

/**
 * Returns what `read` makes of split's answer. Throws a {@link Refusal}, or {@link Away} without an answer that can be read. Waits
 * for a token if split requires one.
 */
async function call<T>(
  path: string,
  read: (response: Response) => Promise<T>,
  init: RequestInit = {},
): Promise<T> {
  for (;;) {
    const token = currentToken();
    const headers = {
      accept: 'application/json',
      ...(token !== null && { authorization: `Bearer ${token}` }),
    };
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const response = await orAway(fetch(path, { signal, ...init, headers, cache: 'no-cache' }));
    if (response.ok) {
      noteAccepted(token);
      return orAway(read(response));
    }
    if (response.status !== 401) throw await faultOf(response);
    await anotherToken(token);
  }
}

async function orAway<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new Away('no answer', { cause: error });
  }
}

async function json<T>(path: string, init?: RequestInit): Promise<T> {
  return call(path, async (response) => (await response.json()) as T, init);
}

export const split = {
  queue: async () => json<QueueView>('queue'),
  images: async () => (await json<{ images: ListedImage[] }>('images')).images,
  image: async (id: string) => json<ImageView>(`images/${id}`),
  tiles: async (id: string) => json<TilesView>(`images/${id}/tiles`),
  deadLetters: async () => (await json<{ deadLetters: DeadLetter[] }>('dead-letters')).deadLetters,
  result: async (id: string) =>
    call(`images/${id}/result`, async (response) => response.blob(), {
      signal: AbortSignal.timeout(RESULT_PATIENCE_MS),
    }),
  cancel: async (id: string) => json<ListedImage>(`images/${id}`, { method: 'DELETE' }),
  retry: async (id: string) => json<ListedImage>(`images/${id}/retry`, { method: 'POST' }),
  send: async (query: string, file: Blob, signal: AbortSignal) =>
    json<ListedImage>(`?${query}`, { method: 'POST', body: file, signal }),
};
