// Fetches finished pictures, and carries out actions on a picture.
import { Away, Refusal } from './faults.ts';
import { change, noteImage, showAfter, type Cell } from './pictures.ts';
import { split } from './split.ts';

/** Gets the status and the result of an image that ended before the page asked about it. */
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

/** Carries out `work` for a picture. Notes on its card what went wrong. Returns whether it succeeded. */
export async function attempt(cell: Cell, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof Refusal) noteRefusal(cell, error);
    else if (error instanceof Away) change(cell, { note: 'Tessera does not answer. Try again in a moment.' });
    else throw error;
    return false;
  }
}

/** Notes on a picture why split has refused something about it, and what is gone. */
export function noteRefusal(cell: Cell, { code, message, detail }: Refusal): void {
  const { image } = cell.peek();
  change(cell, { note: message, detail });
  if (code === 'not-found') change(cell, { stage: 'gone' });
  const isResultGone = code === 'result-gone' || code === 'replaced';
  if (isResultGone && image !== null) change(cell, { image: { ...image, result: null } });
}
