// Calls split's API. Paths are relative to the page, so that it also works behind a proxy that serves it under a prefix.
import { Away, faultOf } from './faults.ts';
import { anotherToken, currentToken } from './token.ts';
import type { DeadLetter, ImageView, ListedImage, QueueView, TilesView } from './views.ts';

/** After this time without an answer split counts as away. */
const PATIENCE_MS = 20_000;

/** Returns split's answer. Throws a {@link Refusal} or {@link Away}. Waits for a token if split requires one. */
async function call(path: string, init: RequestInit = {}): Promise<Response> {
  for (;;) {
    const token = currentToken();
    const headers = {
      accept: 'application/json',
      ...(token !== null && { authorization: `Bearer ${token}` }),
    };
    const response = await reach(path, { ...init, headers, cache: 'no-cache' });
    if (response.ok) return response;
    if (response.status !== 401) throw await faultOf(response);
    await anotherToken(token);
  }
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch (error) {
    throw new Away('no answer', { cause: error });
  }
}

async function json<T>(path: string, init: RequestInit = {}): Promise<T> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return (await (await call(path, { signal, ...init })).json()) as T;
}

export const split = {
  queue: async () => json<QueueView>('queue'),
  images: async () => (await json<{ images: ListedImage[] }>('images')).images,
  image: async (id: string) => json<ImageView>(`images/${id}`),
  tiles: async (id: string) => json<TilesView>(`images/${id}/tiles`),
  deadLetters: async () => (await json<{ deadLetters: DeadLetter[] }>('dead-letters')).deadLetters,
  result: async (id: string) => (await call(`images/${id}/result`)).blob(),
  cancel: async (id: string) => json<ListedImage>(`images/${id}`, { method: 'DELETE' }),
  retry: async (id: string) => json<ListedImage>(`images/${id}/retry`, { method: 'POST' }),
  send: async (query: string, file: Blob, signal: AbortSignal) =>
    json<ListedImage>(`?${query}`, { method: 'POST', body: file, signal }),
};
