// What the chaos demonstration runs on: a pipeline on this machine, or one on a cluster.
import type { SplitClient } from '../local/split-client.ts';

export type QueueMode = 'naive' | 'lease';

/** Sends Redis one command and returns its reply, one line per element; an empty reply is an empty line. */
export type RedisCall = (...words: (string | number)[]) => Promise<string[]>;

export interface ChaosTarget {
  readonly redis: RedisCall;
  readonly split: SplitClient;
  readonly keyPrefix: string;
  /** Returns how many workers there are, or should be. */
  countWorkers(): Promise<number>;
  /** Waits until no worker of an earlier revision is left that could still take tiles. */
  untilOthersLeft(signal: AbortSignal): Promise<void>;
  /** Kills all workers at once while writes are paused, and waits until Redis has noticed. Returns how many. */
  killWorkers(keepHeld: () => Promise<void>): Promise<number>;
}

/** Opens a target whose workers use one queue. */
export interface ChaosPlace {
  use(queue: QueueMode): Promise<ChaosTarget>;
  /** Restores what was changed, however the demonstration ended. */
  close(): Promise<void>;
}

/** Tells the user what is happening. */
export type Narrate = (text: string) => void;

/** The demonstration cannot run; the message says why. */
export class CannotRun extends Error {}

/** Reads one number from a reply. Throws if it is not a number. */
export function numberOf([line]: string[]): number {
  if (/^\d+$/.test(line)) return Number(line);
  throw new CannotRun(`Redis answered: ${line}`);
}
