// Commands whose bytes are sent without a copy, against a real Redis.
import { Command } from 'ioredis';
import { expect, test } from 'vitest';
import { BytesCommand, sendTogether } from '../../functions/lib/redis/bytes-command.ts';
import { useRig } from './rig.ts';

const on = useRig();

const everyByte = Uint8Array.from({ length: 256 }, (_, value) => value);

test.each<[string, Uint8Array]>([
  ['every byte', everyByte],
  ['nothing', new Uint8Array()],
  ['what looks like the protocol', Buffer.from('\r\n$3\r\nfoo\r\n*1\r\n')],
  ['a part of a buffer', everyByte.subarray(13, 130)],
  ['more than a socket takes at once', Buffer.alloc(20_000_000, everyByte)],
])('sets %s', async (_what, bytes) => {
  const answers = await sendTogether(on.rig.redis, [new BytesCommand('set', ['schlüssel'], bytes)]);
  expect(answers.map(String)).toEqual(['OK']);
  expect(Buffer.compare((await on.rig.redis.getBuffer('schlüssel')) ?? Buffer.from('gone'), bytes)).toBe(0);
});

test('sets fields of a hash, in the order of the calls', async () => {
  await Promise.all([
    sendTogether(on.rig.redis, [new BytesCommand('hset', ['hash', 'a'], everyByte)]),
    sendTogether(on.rig.redis, [new BytesCommand('hset', ['hash', 'a'], everyByte.subarray(0, 3))]),
    on.rig.redis.hset('hash', 'b', 'end'),
  ]);
  const hash = await on.rig.redis.hgetallBuffer('hash');
  expect(hash).toEqual({ a: Buffer.from(everyByte.subarray(0, 3)), b: Buffer.from('end') });
});

test('throws the first fault and stays in sync with the replies', async () => {
  const sent = sendTogether(on.rig.redis, [
    new BytesCommand('set', ['before'], everyByte),
    new Command('hget', ['before', 'field']),
    new Command('no-such-command'),
    new BytesCommand('set', ['after'], everyByte),
  ]);
  await expect(sent).rejects.toThrow('WRONGTYPE');
  expect(await on.rig.redis.strlen('after')).toBe(256);
});

test('waits for a connection that does not exist yet', async () => {
  const early = on.server.connect();
  await sendTogether(early, [new BytesCommand('set', ['early'], everyByte), new Command('get', ['early'])]);
  expect(await early.strlen('early')).toBe(256);
  early.disconnect();
});
