// Commands whose bytes are written from where they lie, against a real Redis.
import { Command, type Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BytesCommand, sendTogether } from '../../functions/lib/redis-bytes.ts';
import { RedisServer } from '../../scripts/local/redis-server.ts';

let server: RedisServer;
let redis: Redis;
beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.connect();
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const everyByte = Uint8Array.from({ length: 256 }, (_, value) => value);

test.each<[string, Uint8Array]>([
  ['every byte', everyByte],
  ['nothing', new Uint8Array()],
  ['what looks like the protocol', Buffer.from('\r\n$3\r\nfoo\r\n*1\r\n')],
  ['a part of a buffer', everyByte.subarray(13, 130)],
  ['more than a socket takes at once', Buffer.alloc(20_000_000, everyByte)],
])('sets %s', async (_what, bytes) => {
  const answers = await sendTogether(redis, [new BytesCommand('set', 'schlüssel', bytes)]);
  expect(answers.map(String)).toEqual(['OK']);
  expect(Buffer.compare((await redis.getBuffer('schlüssel')) ?? Buffer.from('gone'), bytes)).toBe(0);
});

test('appends, in the order of the calls', async () => {
  await Promise.all([
    sendTogether(redis, [new BytesCommand('append', 'long', everyByte)]),
    sendTogether(redis, [new BytesCommand('append', 'long', everyByte.subarray(0, 3))]),
    redis.append('long', 'end'),
  ]);
  const long = await redis.getBuffer('long');
  expect(long).toEqual(Buffer.concat([everyByte, everyByte.subarray(0, 3), Buffer.from('end')]));
});

test('throws the first fault and stays in step with the replies', async () => {
  const sent = sendTogether(redis, [
    new BytesCommand('set', 'before', everyByte),
    new Command('hget', ['before', 'field']),
    new Command('no-such-command'),
    new BytesCommand('set', 'after', everyByte),
  ]);
  await expect(sent).rejects.toThrow('WRONGTYPE');
  expect(await redis.strlen('after')).toBe(256);
});

test('waits for a connection that is not there yet', async () => {
  const early = server.connect();
  await sendTogether(early, [new BytesCommand('set', 'early', everyByte), new Command('get', ['early'])]);
  expect(await early.strlen('early')).toBe(256);
  early.disconnect();
});
