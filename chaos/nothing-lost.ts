// The check at the end of every fault test: each image was written whole, once and right, and nothing of it
// is left in Redis.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { convolve } from '../functions/blur/convolve/convolve.ts';
import { readCounts } from '../functions/lib/queue/counts.ts';
import { imageKeys, queueKeys } from '../functions/lib/queue/keys.ts';
import { heartbeatKey } from '../functions/lib/redis/heartbeat.ts';
import { outputName } from '../functions/lib/store/output-names.ts';
import { toPixels } from '../functions/testing/pictures.ts';
import type { SentImage } from './rig.ts';
import { until } from '../functions/testing/until.ts';

/** What to check. */
export interface Site {
  redis: Redis;
  keyPrefix: string;
  /** The folder of STORE=file. */
  outputPath: string;
}

export interface Expectation {
  /** Failed images: nothing of them is written, and what they hold must be freed at some time. */
  givenUp?: string[];
  deadlineMs?: number;
}

const DEADLINE_MS = 30_000;

/** Waits until the images are over, or until the deadline, and returns everything that breaks a promise. */
export async function findFaults(
  site: Site,
  images: SentImage[],
  { givenUp = [], deadlineMs = DEADLINE_MS }: Expectation = {},
): Promise<string[]> {
  await untilOver(site, [...images.map(({ id }) => id), ...givenUp], deadlineMs);
  const pictures = await Promise.all(images.map((image) => pictureFaults(site, image)));
  return [
    ...(images.length === 0 ? ['no image was checked'] : []),
    ...(await tileFaults(site, images)),
    ...pictures.flat(),
    ...(await strayFiles(site, images)),
    ...(await leftovers(site)),
    ...(await orphanKeys(site, images, givenUp)),
  ];
}

async function untilOver(site: Site, ids: string[], deadlineMs: number): Promise<void> {
  const over = new Set(['done', 'failed', 'cancelled']);
  const isOver = async () => {
    const states = await Promise.all(ids.map((id) => site.redis.hget(metaKey(site, id), 'state')));
    return states.every((state) => over.has(state ?? '')) && (await leftovers(site)).length === 0;
  };
  await until('all images to be over', isOver, deadlineMs).catch(() => {}); // The faults list what is missing.
}

/** Returns images that are not done, and images without tiles, which would prove nothing. */
async function tileFaults(site: Site, images: SentImage[]): Promise<string[]> {
  const faults: string[] = [];
  for (const { id, name } of images) {
    const { state, tiles, error } = await site.redis.hgetall(metaKey(site, id));
    if (!(Number(tiles) > 0)) faults.push(`${name}: no tile was checked`);
    if (state === 'done') continue;
    const done = await site.redis.scard(imageKeys(site.keyPrefix, id).done);
    faults.push(`${name}: ${state ?? 'unknown'}, ${done} of ${tiles} tiles done${error ? `: ${error}` : ''}`);
  }
  return faults;
}

/** Returns how the file differs from the blur of the whole image. */
async function pictureFaults(
  { outputPath }: Site,
  { name, bitmap, kernelSize }: SentImage,
): Promise<string[]> {
  const file = await readFile(join(outputPath, outputName(name))).catch(() => null);
  if (!file) return [`${name}: there is no output`];
  const output = await toPixels(file).catch(() => null);
  if (!output) return [`${name}: the output is torn`];
  if (output.width !== bitmap.width || output.height !== bitmap.height) {
    return [`${name}: the output has ${output.width}x${output.height} pixels`];
  }
  const wanted = convolve(bitmap, kernelSize).data;
  const differing = wanted.reduce((count, byte, at) => count + (byte === output.data[at] ? 0 : 1), 0);
  return differing > 0 ? [`${name}: ${differing} bytes of the output differ`] : [];
}

/** Returns files besides the outputs: partial or doubled files, and files of failed images. */
async function strayFiles({ outputPath }: Site, images: SentImage[]): Promise<string[]> {
  const expected = new Set(images.map(({ name }) => outputName(name)));
  const files = await readdir(outputPath).catch(() => []);
  return files.filter((file) => !expected.has(file)).map((file) => `a stray file: ${file}`);
}

async function leftovers({ redis, keyPrefix }: Site): Promise<string[]> {
  const { queue, leases, claims, delayed, outbox } = await readCounts(redis, keyPrefix);
  // Failed images are kept for a while: their sweep is due later.
  const sweeps = await redis.zcount(queueKeys(keyPrefix).sweeps, 0, 0);
  const counts = { queue, leases, claims, delayed, outbox, sweeps };
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} left in ${name}`);
}

/** Returns keys that nobody will ever free. */
async function orphanKeys(site: Site, images: SentImage[], givenUp: string[]): Promise<string[]> {
  const { redis, keyPrefix } = site;
  const shared = queueKeys(keyPrefix);
  const allowed = new Set([
    shared.images,
    shared.totals,
    shared.records,
    shared.admitted,
    shared.senders,
    shared.clients,
    shared.workers,
    shared.workerStates,
    heartbeatKey(keyPrefix),
    ...images.map(({ id }) => metaKey(site, id)),
  ]);
  if (givenUp.length > 0) [shared.dead, shared.sweeps].forEach((key) => allowed.add(key));
  const toBeSwept = await redis.zrange(shared.sweeps, '0', '-1');
  const isAnyOf = (ids: string[], key: string) => ids.some((id) => key.startsWith(`${keyPrefix}:${id}:`));
  const found = await redis.keys(`${keyPrefix}:*`);
  const isRecordsOfClient = (key: string) => key.startsWith(`${shared.records}:`);
  const orphans = found.filter(
    (key) => !allowed.has(key) && !isAnyOf(givenUp, key) && !isRecordsOfClient(key),
  );
  const ended = await redis.zrange(shared.records, '0', '-1');
  const holders = new Set([...ended, ...toBeSwept]);
  const held = (await redis.hkeys(shared.admitted)).filter((id) => !holders.has(id));
  const records = found.filter((key) => isAnyOf(givenUp, key) || key.endsWith(':meta'));
  const lasting: string[] = [];
  for (const key of records) {
    if (!isAnyOf(toBeSwept, key) && (await redis.ttl(key)) < 0) lasting.push(key);
  }
  return [
    ...orphans.map((key) => `an orphan key: ${key}`),
    ...held.map((id) => `memory that nobody gives back: image ${id}`),
    ...lasting.map((key) => `a key that does not expire: ${key}`),
  ];
}

function metaKey({ keyPrefix }: Site, id: string): string {
  return imageKeys(keyPrefix, id).meta;
}
