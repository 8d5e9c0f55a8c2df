// Room for images in Redis's memory: turns away uploads for which there is none, before their bodies are read where that
// can be told, and says when to come again.
import type { IncomingMessage } from 'node:http';
import type { Config } from '../lib/config.ts';
import { Problem } from '../lib/errors.ts';
import type { Admission, ImageLedger } from '../lib/queue/image-ledger.ts';
import { redisProblem } from '../lib/redis/faults.ts';
import { mediaTypeOf } from '../lib/service/media-type.ts';
import { leastBytes, type StoresMemory } from './memory.ts';

/** Nobody should wait longer than this before asking again. */
const MOST_S = 3600;
/** The wait when Redis's memory is used by something that Tessera knows nothing of. */
const UNKNOWN_WAIT_MS = 10_000;
/** The wait of a client whose share is full although something else of it is about to go. */
const SHARE_WAIT_MS = 5000;

export interface RoomParts {
  config: Pick<Config, 'redisBudgetBytes'>;
  ledger: Pick<ImageLedger, 'waitForRoom'>;
  stores: StoresMemory;
}

/** The Problem for an image that is not let in now. */
export async function noRoom(ledger: RoomParts['ledger'], admission: Admission): Promise<Problem> {
  return overBudget((await ledger.waitForRoom(admission)) ?? 0);
}

/** The Problem for an image that would give its client more than its share. */
export async function noShare(ledger: RoomParts['ledger'], admission: Admission): Promise<Problem> {
  const waitMs = (await ledger.waitForRoom(admission)) ?? SHARE_WAIT_MS;
  return new Problem('over-share', 'Your other images hold the memory that one caller may have.', {
    retryAfterSeconds: secondsOf(waitMs),
  });
}

/** The Problem for an image on the way of which Redis came to its memory limit: all others have to be done first. */
export async function noMemory(ledger: RoomParts['ledger'], budgetBytes: number): Promise<Problem> {
  const waitMs = await ledger.waitForRoom({ bytes: budgetBytes, budgetBytes });
  return overBudget(waitMs ?? UNKNOWN_WAIT_MS);
}

/**
 * Throws Problem `over-budget` for an upload, by its head alone, that could not be let in whatever image it has. Its
 * request must not be one to complete an image that is half split, of which only its body could tell; so all are read
 * while there may be such an image. A request that repeats another for nothing is told to come again.
 */
export async function assertRoomFor(
  req: IncomingMessage,
  { config, ledger, stores }: RoomParts,
): Promise<void> {
  if (mediaTypeOf(req.headers).endsWith('json')) return;
  const uploadBytes = Number(req.headers['content-length'] ?? 0);
  const bytes = leastBytes(uploadBytes, stores);
  const admission = { bytes, budgetBytes: config.redisBudgetBytes };
  const waitMs = await ledger.waitForRoom(admission).catch((error: unknown) => {
    throw redisProblem(error);
  });
  if (waitMs !== null) throw overBudget(waitMs);
}

function overBudget(waitMs: number): Problem {
  return new Problem('over-budget', 'Other images hold the memory that Redis may use.', {
    retryAfterSeconds: secondsOf(waitMs),
  });
}

function secondsOf(ms: number): number {
  return Math.min(MOST_S, Math.max(1, Math.ceil(ms / 1000)));
}
