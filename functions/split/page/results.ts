// Gets finished pictures, and carries out what is done to one picture.
import { Away, Refusal } from './faults.ts';
import { change, noteImage, showAfter, type Cell } from './pictures.ts';
import { split } from './split.ts';

/** Gets all about an image that has ended before the page looked at it. */
export async function loadEnded(cell: Cell): Promise<void> {
  const { id } = cell.peek();
  if (id === null) return;
  await attempt(cell, async () => {
    const [image, tiles] = await Promise.all([split.image(id), split.tiles(id)]);
    noteImage(cell, image);
    change(cell, { tiles });
    if (image.result !== null) showAfter(cell, await split.result(id));
  });
}

export async function loadResult(cell: Cell): Promise<void> {
  const { id } = cell.peek();
  if (id !== null) await attempt(cell, async () => showAfter(cell, await split.result(id)));
}

/** Does something with a picture, and notes on it what went wrong. Returns whether it was done. */
export async function attempt(cell: Cell, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof Refusal) change(cell, { note: error.message, detail: error.detail });
    else if (error instanceof Away) change(cell, { note: 'Tessera does not answer. Try again in a moment.' });
    else throw error;
    return false;
  }
}
