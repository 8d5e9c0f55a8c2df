// Lets requests wait until an image changes. Each image is checked once per step and read once when it has changed, no matter how
// many requests wait for it. Polling needs no message from the workers, so it also notices the changes that workers of another
// release, a script or an expiry make.
import { setTimeout as sleep } from 'node:timers/promises';

/** The time between two checks of an image. */
const EVERY_MS = 200;
/** With many images the steps are longer, so that there are at most this many checks in a millisecond. */
const LOOKS_PER_MS = 1;

export interface ImageWatchParts<View> {
  /** Returns for each image a short text that changes whenever the image does. */
  look: (ids: string[]) => Promise<string[]>;
  /** Returns what the requests that wait for an image get. */
  read: (id: string) => Promise<View>;
  /** Aborted when this process stops. */
  stopping: AbortSignal;
}

interface Waiting<View> {
  /** How the image looked when the request came. */
  seen: string;
  settle: (answer: Promise<View>) => void;
}

export class ImageWatch<View> {
  readonly #parts: ImageWatchParts<View>;
  /** Image → the requests that wait for it to change. */
  readonly #waiting = new Map<string, Set<Waiting<View>>>();
  #isRunning = false;

  constructor(parts: ImageWatchParts<View>) {
    this.#parts = parts;
    parts.stopping.addEventListener('abort', () => this.#settle([...this.#waiting.keys()]));
  }

  /**
   * Returns what is read of an image once it no longer looks as it was `seen`, after `waitMs`, or at once when the process
   * stops. Returns null if `gone` is aborted before: the caller has left.
   */
  async next(id: string, seen: string, waitMs: number, gone: AbortSignal): Promise<View | null> {
    if (gone.aborted) return null;
    const { read, stopping } = this.#parts;
    if (stopping.aborted) return read(id);
    const { promise, resolve } = Promise.withResolvers<View | null>();
    const waiting: Waiting<View> = { seen, settle: resolve };
    const atEnd = setTimeout(() => resolve(read(id)), waitMs);
    const giveUp = () => resolve(null);
    gone.addEventListener('abort', giveUp);
    this.#add(id, waiting);
    try {
      return await promise;
    } finally {
      clearTimeout(atEnd);
      gone.removeEventListener('abort', giveUp);
      this.#remove(id, waiting);
    }
  }

  #add(id: string, waiting: Waiting<View>): void {
    const others = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, others.add(waiting));
    if (!this.#isRunning) void this.#run();
  }

  #remove(id: string, waiting: Waiting<View>): void {
    const others = this.#waiting.get(id);
    others?.delete(waiting);
    if (others?.size === 0) this.#waiting.delete(id);
  }

  /** Checks the images again and again, as long as a request waits. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.size > 0) {
      await this.#look();
      await sleep(Math.max(EVERY_MS, this.#waiting.size / LOOKS_PER_MS), undefined, { ref: false });
    }
    this.#isRunning = false;
  }

  async #look(): Promise<void> {
    const ids = [...this.#waiting.keys()];
    try {
      const looks = await this.#parts.look(ids);
      ids.forEach((id, at) => this.#settle([id], looks[at]));
    } catch (error) {
      const fault = Promise.reject<View>(error);
      fault.catch(() => {}); // Those who wait get it, if there are any left.
      for (const id of ids) this.#waiting.get(id)?.forEach(({ settle }) => settle(fault));
    }
  }

  /** Gives all requests that wait for these images one common answer, except those that have `seen` the image like this. */
  #settle(ids: string[], seen?: string): void {
    for (const id of ids) {
      const changed = [...(this.#waiting.get(id) ?? [])].filter((each) => each.seen !== seen);
      if (changed.length === 0) continue;
      const answer = this.#parts.read(id);
      answer.catch(() => {}); // Those who wait get it, if there are any left.
      for (const { settle } of changed) settle(answer);
    }
  }
}
