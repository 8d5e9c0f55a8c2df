// Compares the memory that Redis needs for the record of an image, and for an image in progress, with what is reserved.
import { expect, test } from 'vitest';
import { scriptText } from '../../functions/lib/queue/script-text.ts';
import { RECORD_BYTES } from '../../functions/lib/queue/record-bytes.ts';
import { outputName } from '../../functions/lib/store/output-names.ts';
import { planOf, pixels, PREFIX, START_MS, useRig } from './rig.ts';

const on = useRig();
const IMAGES = 1000;
const owner = 'o'.repeat(64);
const client = { name: owner, budgetBytes: 1e9 };
const ids = Array.from({ length: IMAGES }, (_, n) => n.toString(16).padStart(24, '0'));

async function usedBytes(): Promise<number> {
  return Number(/used_memory_dataset:(\d+)/.exec(await on.rig.redis.info('memory'))?.[1]);
}

/** An image with the longest name, owner and trace that a caller can send. */
function longestPlan(at: number) {
  const name = String(at).padEnd(251, 'n') + '.png';
  return {
    ...planOf(1),
    name,
    owner,
    output: `${owner}/${outputName(name)}`,
    width: 65_535,
    height: 65_535,
    trace: `${planOf(1).trace} ${'t'.repeat(128)}`,
  };
}

test('a record needs no more memory than is reserved for it, and not much less', async () => {
  await on.rig.blur('f'.repeat(24)); // So that the scripts are not counted.
  on.rig.now = START_MS * 1_000_000;
  const before = await usedBytes();
  for (const [at, id] of ids.entries()) {
    await on.rig.ledger.begin(id, longestPlan(at), { bytes: RECORD_BYTES, budgetBytes: 1e9, client });
    await on.rig.ledger.enqueue(id, 0, pixels('x'));
  }
  for (let each = 0; each < IMAGES; each++) await on.rig.queue.ack(await on.rig.claim(), pixels('x'));
  // A tile counts for itself (functions/split/memory.ts); here the record's share is enough for both.
  expect((await usedBytes()) - before).toBeLessThan(RECORD_BYTES * IMAGES);

  // What claim.lua notes of repeated tiles, at its longest.
  const repeated = Array.from({ length: 32 }, (_, at) => `${999_968 + at},`).join('');
  for (const id of ids) await on.rig.redis.hset(`${PREFIX}:${id}:meta`, { repeated });
  for (const id of ids) await on.rig.ledger.finish(id);
  expect(await on.rig.redis.zcard(`${PREFIX}:records`)).toBe(IMAGES);
  const bytes = ((await usedBytes()) - before) / IMAGES;
  expect(bytes).toBeLessThan(RECORD_BYTES);
  expect(bytes).toBeGreaterThan(RECORD_BYTES * 0.7);
});

test('the scripts count as many bytes for it as split does', () => {
  expect(scriptText('begin')).toContain(`local RECORD_BYTES = ${RECORD_BYTES}\n`);
});
