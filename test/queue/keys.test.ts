// The names of the keys: the same in TypeScript and in Lua, and all in one slot of a cluster with a prefix in
// braces.
import { readdirSync, readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageKeys, queueKeys } from '../../functions/lib/queue/keys.ts';
import { scriptNames, scriptText } from '../../functions/lib/queue/script-text.ts';
import { recordKeys } from '../support/keys-left.ts';
import { ClusterNode } from './cluster-node.ts';
import { A, B, pixels, Rig } from './rig.ts';

const folder = new URL('../../functions/lib/queue/', import.meta.url);
const luaFiles = readdirSync(folder).filter((file) => file.endsWith('.lua'));
const luaText = luaFiles.map((file) => readFileSync(new URL(file, folder), 'utf8')).join('\n');

/** Returns everything that a pattern's group finds, without duplicates. */
function found(pattern: RegExp, text: string): string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => match[1]))].sort();
}

describe('the scripts', () => {
  test('are the files of the folder, each with its arguments and output, and the shared ones', () => {
    const own = luaFiles.filter((file) => !file.startsWith('shared'));
    expect(own.sort()).toEqual(scriptNames.map((name) => `${name}.lua`).sort());
    for (const name of scriptNames) {
      const [shebang, purpose, ...rest] = readFileSync(new URL(`${name}.lua`, folder), 'utf8').split('\n');
      expect(shebang).toMatch(/^#!lua( flags=(allow-oom|no-writes))?$/);
      expect(purpose).toMatch(/^-- [A-Z]/);
      expect(rest.join('\n')).toMatch(/^-- ARGV\[1\] -> .*[^]*^-- Output: /m);
    }
  });

  test('are sent with the shebang first and the shared parts they use after it', () => {
    const files: Record<string, string> = {
      'claim.lua': '#!lua flags=x\n-- Uses: one.lua, two.lua\n-- own\n',
      'shared.lua': '-- shared\n',
      'one.lua': '-- one\n',
      'two.lua': '-- two\n',
    };
    const text = '#!lua flags=x\n-- shared\n-- one\n-- two\n-- Uses: one.lua, two.lua\n-- own\n';
    expect(scriptText('claim', (file) => files[file])).toBe(text);
  });

  test('use each shared part somewhere', () => {
    const used = found(/^-- Uses: (.*)$/gm, luaText).flatMap((list) => list.split(', '));
    const shared = luaFiles.filter((file) => file.startsWith('shared-'));
    expect([...new Set(used)].sort()).toEqual(shared.sort());
  });

  test('name the keys that all images share as keys.ts does', () => {
    const inLua = found(/^local [A-Z_]+ = prefix \.\. '(:[a-z:-]+)'$/gm, luaText);
    expect(inLua).toEqual(Object.values(queueKeys('')).sort());
  });

  test('name the keys of an image as keys.ts does', () => {
    const lists = found(/ipairs\(\{ ('[a-z', ]+') \}\)/g, luaText).flatMap((list) => found(/'(\w+)'/g, list));
    const inLua = [
      ...found(/\bkey\(\w+, '([a-z]+)[:']/g, luaText),
      ...found(/\bkey\(ARGV\[1\], '([a-z]+)'/g, luaText),
      ...found(/\bkey\(\w+, '(ended-[a-z]+)'/g, luaText),
    ];
    const inTypeScript = Object.values(imageKeys('', '')).map(
      (name) => (typeof name === 'string' ? name : name(0 as never)).split(':')[2],
    );
    expect([...new Set([...lists, ...inLua])].sort()).toEqual(inTypeScript.sort());
  });
});

describe('a prefix in braces', () => {
  let node: ClusterNode;
  let redis: Redis;
  beforeAll(async () => {
    node = await ClusterNode.start();
    redis = node.connect();
  });
  afterAll(async () => {
    redis?.disconnect();
    await node?.stop();
  });

  test('keeps every script in one slot of a cluster', async () => {
    const rig = new Rig(redis, { keyPrefix: '{image}' });
    await rig.split(A, 3);
    await rig.killNextTile();
    expect(await rig.ledger.requeue(`${A}:0`)).toBe('requeued');
    const claim = await rig.claim();
    expect(await rig.queue.extend(claim)).toBe('extended');
    expect(await rig.queue.release(claim)).toBe('released');
    for (const answer of ['acked', 'acked', 'last']) {
      expect(await rig.queue.ack(await rig.claim(), pixels('core'))).toBe(answer);
    }
    expect(await rig.due(1000)).toBe(A);
    await rig.ledger.noteFault(A, 'the disk is full');
    expect(await rig.ledger.finish(A)).toBe('finished');
    await rig.split(B, 1);
    expect((await rig.images.newest(2)).map(({ id }) => id).sort()).toEqual([A, B]);
    expect(await rig.ledger.cancel(B)).toBe('cancelled');
    await rig.ledger.forget(B);
    expect(await rig.keys()).toEqual(recordKeys([A], { keyPrefix: '{image}' }));
  });

  test('is needed in a cluster, which refuses the scripts without braces', async () => {
    await expect(new Rig(redis).split(A, 1)).rejects.toThrow(/slot/i);
  });
});
