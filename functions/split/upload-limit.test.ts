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
  await uploads.enter(response());
  await uploads.enter(response());
  await expect(uploads.enter(response())).rejects.toMatchObject({
    code: 'too-many-uploads',
    status: 429,
    retryAfterSeconds: 1,
  });
});

it('lets one in that waits when another ends', async () => {
  const uploads = new UploadLimit(1);
  const first = response();
  await uploads.enter(first);
  const second = uploads.enter(response());
  first.emit('close');
  await expect(second).resolves.toBeUndefined();
});

it('keeps no place for a caller that has gone meanwhile', async () => {
  const uploads = new UploadLimit(1);
  await uploads.enter(response(true));
  await expect(uploads.enter(response())).resolves.toBeUndefined();
});
