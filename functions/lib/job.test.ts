import { expect, it } from 'vitest';
import { formatJob, isImageId, parseEntry, parseJob } from './job.ts';

const imageId = '0123456789abcdef01234567';

it('reads back the job it wrote', () => {
  expect(parseJob(formatJob({ imageId, tile: 34 }))).toEqual({ imageId, tile: 34 });
});

it.each(['', 'x', imageId, `${imageId}:`, `${imageId}:01`, `${imageId}:-1`, `${imageId}:1:2`, `../x:1`])(
  'refuses %j as a job',
  (message) => expect(parseJob(message)).toBeNull(),
);

it('reads an entry of the queue: a job and the life it belongs to', () => {
  expect(parseEntry(`${imageId}:34:7`)).toEqual({ job: { imageId, tile: 34 }, life: '7' });
});

it.each(['', imageId, `${imageId}:34`, `${imageId}:34:`, `${imageId}:34:x`, `${imageId}:x:7`])(
  'refuses %j as an entry of the queue',
  (entry) => expect(parseEntry(entry)).toBeNull(),
);

it('recognises the id of an image by its form', () => {
  expect(isImageId(imageId)).toBe(true);
  expect(isImageId(`${imageId}0`)).toBe(false);
  expect(isImageId('meta')).toBe(false);
});
