// What the chaos demonstration is done to: the pipeline on this machine, or one on a cluster.
import type { SplitClient } from '../local/split-client.ts';

export type QueueMode = 'naive' | 'lease';

/** Sends Redis one command and returns its reply, one line for each element; nothing is an empty line. */
export type RedisCall = (...words: (string | number)[]) => Promise<string[]>;

export interface ChaosTarget {
  readonly redis: RedisCall;
  readonly split: SplitClient;
  readonly keyPrefix: string;
  /** How many workers there are now, or are to be. */
  countWorkers(): Promise<number>;
  /** Waits until no worker of an earlier revision is left that would still take tiles. */
  untilOthersLeft(signal: AbortSignal): Promise<void>;
  /** Kills all workers at once, while writes are held, and waits until Redis knows. Returns how many. */
  killWorkers(keepHeld: () => Promise<void>): Promise<number>;
}

/** Opens a target whose workers use one queue. */
export interface ChaosPlace {
  use(queue: QueueMode): Promise<ChaosTarget>;
  /** Puts back what was changed, however the demonstration ended. */
  close(): Promise<void>;
}

/** Tells the user what happens now. */
export type Narrate = (text: string) => void;

/** The demonstration cannot be done; the message says why. */
export class CannotRun extends Error {}

/** Reads one number from a reply. Throws when it is none. */
export function numberOf([line]: string[]): number {
  if (/^\d+$/.test(line)) return Number(line);
  throw new CannotRun(`Redis answered: ${line}`);
}
