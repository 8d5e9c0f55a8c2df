// Room for images in Redis's memory: refuses uploads for which there is none, before their bodies are read if
// possible, and says when to retry.
import type { IncomingMessage } from 'node:http';
import type { Config } from '../lib/config.ts';
import { Problem } from '../lib/errors.ts';
import type { Admission, ImageRoom } from '../lib/queue/image-room.ts';
import { redisProblem } from '../lib/redis/faults.ts';
import { mediaTypeOf } from '../lib/service/media-type.ts';
import { leastBytes, type StoresMemory } from './memory.ts';

/** The longest time before a retry. */
const MOST_S = 3600;
/** The wait if something that is not Tessera's uses Redis's memory. */
const UNKNOWN_WAIT_MS = 10_000;
/** The wait of a client whose share is full, but will be partly free soon. */
const SHARE_WAIT_MS = 5000;

export interface RoomParts {
  config: Pick<Config, 'redisBudgetBytes'>;
  room: Pick<ImageRoom, 'waitMs'>;
  stores: StoresMemory;
}

/** Returns the Problem for an image that cannot be admitted now. */
export async function noRoom(room: RoomParts['room'], admission: Admission): Promise<Problem> {
  return overBudget((await room.waitMs(admission)) ?? 0);
}

/** Returns the Problem for an image that would exceed its client's share. */
export async function noShare(room: RoomParts['room'], admission: Admission): Promise<Problem> {
  const waitMs = (await room.waitMs(admission)) ?? SHARE_WAIT_MS;
  return new Problem('over-share', 'Your other images use all the memory that one caller may use.', {
    retryAfterSeconds: secondsOf(waitMs),
  });
}

/**
 * Returns the Problem for an image during which Redis reached its memory limit. The oldest results and records are removed if
 * this makes room for the image. Otherwise all other images have to be done first.
 */
export async function noMemory(
  room: Pick<ImageRoom, 'waitMs' | 'make'>,
  admission: Admission,
  cause?: unknown,
): Promise<Problem> {
  if (await room.make(admission)) return overBudget(0, cause);
  const { budgetBytes } = admission;
  const waitMs = await room.waitMs({ bytes: budgetBytes, budgetBytes });
  return overBudget(waitMs ?? UNKNOWN_WAIT_MS, cause);
}

/**
 * Throws Problem `over-budget` for an upload, by its headers, if no image of its length can be admitted. An
 * upload may complete an image that is half split, and only its body shows that. So every body is read while
 * there may be such an image. A request that repeats another one without need may be told to retry later.
 */
export async function assertRoomFor(
  req: IncomingMessage,
  { config, room, stores }: RoomParts,
): Promise<void> {
  if (mediaTypeOf(req.headers).endsWith('json')) return;
  const uploadBytes = Number(req.headers['content-length'] ?? 0);
  const bytes = leastBytes(uploadBytes, stores);
  const admission = { bytes, budgetBytes: config.redisBudgetBytes };
  const waitMs = await room.waitMs(admission).catch((error: unknown) => {
    throw redisProblem(error);
  });
  if (waitMs !== null) throw overBudget(waitMs);
}

function overBudget(waitMs: number, cause?: unknown): Problem {
  return new Problem('over-budget', 'Other images use the memory that Redis may use.', {
    cause,
    retryAfterSeconds: secondsOf(waitMs),
  });
}

function secondsOf(ms: number): number {
  return Math.min(MOST_S, Math.max(1, Math.ceil(ms / 1000)));
}
