// Follows the images on the page: those that are in progress, and those that have changed elsewhere.
import { announce } from './announcements.ts';
import { Refusal } from './faults.ts';
import { change, hasCard, isInProgress, noteImage, pictures, type Cell } from './pictures.ts';
import { loadResult, noteRefusal } from './results.ts';
import { forgetSeen, noteSeen } from './seen.ts';
import { split } from './split.ts';
import { Turns } from './turns.ts';
import { hasEnded } from './views.ts';

/** How many unfinished images are looked at each time. */
const LOOKED_AT = 6;

const turns = new Turns<Cell>();

/** Looks at the images in progress. With many of them, each one has its turn: some may be stuck, the first ones too. */
export async function followInProgress(): Promise<void> {
  const inProgress = pictures.peek().filter((cell) => isInProgress(cell.peek()));
  await Promise.all(turns.next(inProgress.toReversed(), LOOKED_AT).map(lookAt));
}

/** Reads images again that have changed elsewhere. Pictures without a card are read when somebody wants to see them. */
export async function readAgain(cells: readonly Cell[]): Promise<void> {
  await Promise.all(cells.filter(hasCard).map(async (cell) => unlessGone(cell, lookCloser)));
}

async function lookAt(cell: Cell): Promise<void> {
  await unlessGone(cell, async (_cell, id) => {
    const tiles = await split.tiles(id);
    noteSeen(id, tiles.status + tiles.tiles);
    change(cell, { tiles });
    const { image } = cell.peek();
    if (image === null || tiles.status !== image.status || !('tileSize' in image)) await lookCloser(cell, id);
  });
}

/** Looks at an image. If split does not know it any more, notes that. */
async function unlessGone(cell: Cell, look: (cell: Cell, id: string) => Promise<void>): Promise<void> {
  const { id } = cell.peek();
  if (id === null) return;
  try {
    await look(cell, id);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'not-found') throw error;
    noteRefusal(cell, error);
    forgetSeen(id);
  }
}

async function lookCloser(cell: Cell, id: string): Promise<void> {
  const image = await split.image(id);
  if (cell.peek().id !== id) return; // It was sent again meanwhile.
  noteImage(cell, image);
  if (!hasEnded(image.status)) return;
  forgetSeen(id);
  if (image.status === 'done') {
    announce(`${image.name} is done.`);
    if (hasCard(cell) && image.result !== null) await loadResult(cell);
  } else announce(`${image.name}: ${image.status}.`);
}
