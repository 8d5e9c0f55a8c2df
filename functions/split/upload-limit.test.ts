import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { UploadLimit } from './upload-limit.ts';

/** As much of a response as the limit looks at. */
function response(closed = false) {
  return Object.assign(new EventEmitter(), { closed }) as unknown as ServerResponse;
}

it('refuses an upload that is one too many, and says when to try again', async () => {
  const uploads = new UploadLimit(2);
  await uploads.take(response());
  await uploads.take(response());
  await expect(uploads.take(response())).rejects.toMatchObject({
    code: 'too-many-uploads',
    status: 429,
    retryAfterSeconds: 1,
  });
});

it('lets one in that waits when another ends', async () => {
  const uploads = new UploadLimit(1);
  const first = response();
  await uploads.take(first);
  const second = uploads.take(response());
  first.emit('close');
  await expect(second).resolves.toBeUndefined();
});

it('keeps no place for a caller that has gone meanwhile', async () => {
  const uploads = new UploadLimit(1);
  await uploads.take(response(true));
  await expect(uploads.take(response())).resolves.toBeUndefined();
});

it('tells when there is a free place, and leaves it free', async () => {
  const uploads = new UploadLimit(1);
  await uploads.find();
  await uploads.find();
  await uploads.take(response());
  await expect(uploads.find()).rejects.toMatchObject({ code: 'too-many-uploads' });
});
