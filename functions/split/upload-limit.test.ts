import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, it, onTestFinished, vi } from 'vitest';
import { UploadLimit } from './upload-limit.ts';

/** The part of a response to `client` that the limit uses. */
function response(client = 'a', closed = false) {
  return Object.assign(new EventEmitter(), { closed, req: request(client) }) as unknown as ServerResponse;
}

function request(client = 'a') {
  return { client } as unknown as IncomingMessage;
}

function limit(maxUploads: number, clientShare = 1): UploadLimit {
  return new UploadLimit({ maxUploads, clientShare }, (req) => ({
    name: (req as unknown as { client: string }).client,
  }));
}

it('refuses one upload too many, and says when to retry', async () => {
  const uploads = limit(2);
  await uploads.take(response());
  await uploads.take(response());
  await expect(uploads.take(response())).rejects.toMatchObject({
    code: 'too-many-uploads',
    status: 429,
    retryAfterSeconds: 1,
  });
});

it('admits a waiting upload when another one ends', async () => {
  const uploads = limit(1);
  const first = response();
  await uploads.take(first);
  const second = uploads.take(response());
  first.emit('close');
  await expect(second).resolves.toBeUndefined();
});

it('keeps no place for a caller that has closed the connection', async () => {
  const uploads = limit(1);
  await expect(uploads.take(response('a', true))).rejects.toThrow('closed the connection');
  await expect(uploads.take(response())).resolves.toBeUndefined();
});

it('keeps the place of an upload whose caller has gone until the work on it has ended', async () => {
  const uploads = limit(1);
  const first = response();
  const work = Promise.withResolvers<void>();
  await uploads.take(first);
  const done = uploads.hold(first, () => work.promise);
  first.emit('close');
  await expect(uploads.take(response())).rejects.toMatchObject({ code: 'too-many-uploads' });
  work.reject(new Error('no image'));
  await expect(done).rejects.toThrow('no image');
  await expect(uploads.take(response())).resolves.toBeUndefined();
});

it('starts no work for a caller that has closed the connection', async () => {
  const work = vi.fn<() => Promise<void>>();
  await expect(limit(1).hold(response('a', true), work)).rejects.toThrow('closed the connection');
  expect(work).not.toHaveBeenCalled();
});

it('lets a request that waited before its body was read wait no second time', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const uploads = limit(1);
  const [first, second, third] = [response(), response(), response()];
  await uploads.take(first);
  const found = uploads.find(second.req);
  await vi.advanceTimersByTimeAsync(40);
  first.emit('close');
  await found;
  await uploads.take(third);
  const refused = uploads.take(second).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(11);
  expect(await refused).toMatchObject({ code: 'too-many-uploads' });
});

it('reports a free place, and leaves it free', async () => {
  const uploads = limit(1);
  await uploads.find(request());
  await uploads.find(request());
  await uploads.take(response());
  await expect(uploads.find(request())).rejects.toMatchObject({ code: 'too-many-uploads' });
});

it('keeps the other places free if a client has its share', async () => {
  const uploads = limit(4, 0.75);
  for (let i = 0; i < 3; i++) await uploads.take(response('greedy'));
  const tooMany = { code: 'too-many-uploads', message: expect.stringContaining('3 of them from one caller') };
  await expect(uploads.find(request('greedy'))).rejects.toMatchObject(tooMany);
  await expect(uploads.take(response('greedy'))).rejects.toMatchObject(tooMany);
  await expect(uploads.take(response('other'))).resolves.toBeUndefined();
});

it('refuses an upload at once when as many wait as there are places', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const uploads = limit(1);
  const first = response();
  await uploads.take(first);
  const waiting = uploads.take(response());
  const refused = uploads.take(response()).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(1);
  first.emit('close');
  await expect(waiting).resolves.toBeUndefined();
  expect(await refused).toMatchObject({ code: 'too-many-uploads' });
});
