// The ready tiles in the order in which they are claimed: as in the Redis list, or with the images taking
// turns, which docs/SCALING.md compares.

export interface TileList<Image> {
  readonly length: number;
  add(image: Image): void;
  /** Removes and returns a tile; undefined if there is none. */
  next(): Image | undefined;
}

/** In the order they arrived. */
export class InOrder<Image> implements TileList<Image> {
  readonly #tiles: Image[] = [];

  get length(): number {
    return this.#tiles.length;
  }

  add(image: Image): void {
    this.#tiles.push(image);
  }

  next(): Image | undefined {
    return this.#tiles.shift();
  }
}

/** One tile of each image that has any, repeatedly. */
export class InTurns<Image> implements TileList<Image> {
  readonly #ready = new Map<Image, number>();
  readonly #turns: Image[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(image: Image): void {
    const ready = this.#ready.get(image) ?? 0;
    if (ready === 0) this.#turns.push(image);
    this.#ready.set(image, ready + 1);
    this.#length++;
  }

  next(): Image | undefined {
    const image = this.#turns.shift();
    if (image === undefined) return undefined;
    const left = (this.#ready.get(image) ?? 0) - 1;
    this.#length--;
    if (left > 0) {
      this.#ready.set(image, left);
      this.#turns.push(image);
    } else {
      this.#ready.delete(image);
    }
    return image;
  }
}
