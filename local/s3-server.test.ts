import { afterAll, beforeAll, expect, it } from 'vitest';
import { randomBytes } from 'node:crypto';
import { startS3Server, type S3Server } from './s3-server.ts';

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server(['tests']);
});
afterAll(() => server.stop());

it.each<[string, Record<string, string>]>([
  ['curl -T', {}],
  ['curl --data-binary', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['a client that names the type', { 'content-type': 'image/jpeg' }],
])('keeps a photo of 15 MB as %s sends it', async (_who, headers) => {
  const photo = randomBytes(15_000_000);
  const url = `http://127.0.0.1:${server.port}/tests/photo.jpg`;
  const put = await fetch(url, { method: 'PUT', headers, body: photo });
  expect(put.status).toBe(200);
  const got = await fetch(url);
  expect(Buffer.from(await got.bytes()).equals(photo)).toBe(true);
  expect(got.headers.get('content-type')).toBe(headers['content-type'] ?? 'application/octet-stream');
});
