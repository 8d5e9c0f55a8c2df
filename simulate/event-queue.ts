// Actions by the time at which they are due, as a binary heap. Actions of the same time are returned in the
// order they were added, so that every run is the same.

interface Entry {
  at: number;
  order: number;
  action: () => void;
}

export class EventQueue {
  readonly #heap: Entry[] = [];
  #order = 0;

  /** Returns the time of the earliest action; Infinity if there is none. */
  get next(): number {
    return this.#heap[0]?.at ?? Infinity;
  }

  add(at: number, action: () => void): void {
    const entry = { at, order: this.#order++, action };
    const heap = this.#heap;
    let place = heap.push(entry) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (isEarlier(heap[parent], entry)) break;
      heap[place] = heap[parent];
      place = parent;
    }
    heap[place] = entry;
  }

  /** Removes the earliest action and returns it. There must be one. */
  take(): () => void {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop() as Entry;
    if (heap.length > 0) this.#sink(last);
    return first.action;
  }

  /** Adds `entry` at the top. */
  #sink(entry: Entry): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isEarlier(heap[child + 1], heap[child])) child++;
      if (isEarlier(entry, heap[child])) break;
      heap[place] = heap[child];
      place = child;
    }
    heap[place] = entry;
  }
}

function isEarlier(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
