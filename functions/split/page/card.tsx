// One picture: its state, its tiles while they move, the result beside the original, and what can be done.
import { Compare } from './compare.tsx';
import { Refusal } from './faults.ts';
import { Mosaic } from './mosaic.tsx';
import { isInProgress, noteStatus, pictures, removePicture, type Cell, type Picture } from './pictures.ts';
import { attempt, loadEnded } from './results.ts';
import { split } from './split.ts';
import { sendAgain, takeBack } from './uploads.ts';
import { countTiles } from './tile-states.ts';
import type { ImageState, ImageView } from './views.ts';
import { wake } from './watch.ts';

export function Card({ cell }: { cell: Cell }) {
  const picture = cell.value;
  const titleId = `picture-${picture.key}`;
  const [state, tone] = stateOf(picture);
  return (
    <article class="card" tabIndex={-1} aria-labelledby={titleId}>
      <header>
        <h3 id={titleId} title={picture.name}>
          {picture.name}
        </h3>
        <p class={`pill ${tone}`}>{state}</p>
        <p class="facts">{factsOf(picture)}</p>
      </header>
      {picture.after === null ? <Mosaic cell={cell} /> : <Compare picture={picture} after={picture.after} />}
      {picture.note !== null && (
        <div class={`note ${tone}`}>
          <p>{picture.note}</p>
          {picture.detail !== null && (
            <details>
              <summary>Details</summary>
              {picture.detail}
            </details>
          )}
        </div>
      )}
      <Actions cell={cell} />
    </article>
  );
}

type Tone = 'busy' | 'good' | 'bad' | 'calm';

/** Returns the state of a picture in a few words. */
function stateOf({ stage, image, tiles }: Picture): [words: string, tone: Tone] {
  if (stage === 'waiting') return ['Waiting', 'calm'];
  if (stage === 'sending') return ['Sending', 'busy'];
  if (stage === 'refused' || image === null) return ['Not accepted', 'bad'];
  if (stage === 'gone') return ['Gone', 'calm'];
  const ms = 'ms' in image ? image.ms : null;
  const done = countTiles(tiles?.tiles ?? '').states.done;
  const states: Record<ImageState, [words: string, tone: Tone]> = {
    splitting: ['Being cut', 'busy'],
    blurring: [`${done} of ${image.tiles} tiles`, 'busy'],
    blurred: ['Being put together', 'busy'],
    done: [ms === null ? 'Done' : `Done in ${(ms / 1000).toFixed(1)} s`, 'good'],
    failed: ['Failed', 'bad'],
    cancelled: ['Cancelled', 'calm'],
  };
  return states[image.status];
}

function factsOf({ image, upload }: Picture): string {
  const size = image && `${image.width} × ${image.height}`;
  const { filter, kernel, amount, format } = recipeOf(image, upload?.query);
  const facts = [
    size,
    filter,
    kernel && `kernel ${kernel}`,
    amount && `amount ${amount}`,
    format?.toUpperCase(),
  ];
  return facts.filter(Boolean).join(' · ');
}

type Recipe = Partial<Pick<ImageView, 'filter' | 'format'>> &
  Partial<Record<'kernel' | 'amount', string | number>>;

function recipeOf(image: Picture['image'], query = ''): Recipe {
  return image !== null && 'filter' in image ? image : Object.fromEntries(new URLSearchParams(query));
}

function Actions({ cell }: { cell: Cell }) {
  const { stage, image, upload, after } = cell.value;
  const status = stage === 'gone' ? undefined : image?.status;
  const isResultGone = status === 'done' && image !== null && 'result' in image && image.result === null;
  const isGone = stage === 'gone' || status === 'cancelled' || (isResultGone && after === null);
  const output = image !== null && 'output' in image ? image.output : null;
  return (
    <footer class="buttons" onClick={(event) => keepFocus(event, cell)}>
      {after !== null && (
        <a class="button primary" href={after} download={output?.split('/').at(-1)}>
          Download
        </a>
      )}
      {status === 'done' && after === null && !isResultGone && (
        <button type="button" onClick={() => void loadEnded(cell)}>
          Show the picture
        </button>
      )}
      {(status === 'failed' || (isGone && upload !== null) || stage === 'refused') && (
        <button type="button" onClick={() => void tryAgain(cell)}>
          Try again
        </button>
      )}
      {isInProgress(cell.value) && (
        <button type="button" onClick={() => void cancel(cell)}>
          Cancel
        </button>
      )}
      {(stage === 'waiting' || stage === 'sending') && (
        <button type="button" onClick={() => takeBack(cell)}>
          Cancel
        </button>
      )}
      {(stage === 'refused' || isGone || status === 'failed') && (
        <button type="button" class="quiet" onClick={() => removePicture(cell)}>
          Remove from this page
        </button>
      )}
    </footer>
  );
}

/** Most buttons disappear when they are pressed. So the focus goes to their card, or to all pictures if that is gone too. */
function keepFocus(
  { target, currentTarget }: { target: EventTarget | null; currentTarget: HTMLElement },
  cell: Cell,
) {
  if (!(target instanceof HTMLButtonElement)) return;
  const card = pictures.peek().includes(cell) ? currentTarget.closest('article') : null;
  (card ?? document.getElementById('pictures'))?.focus();
}

async function cancel(cell: Cell): Promise<void> {
  const { id } = cell.peek();
  if (id === null) return;
  await attempt(cell, async () => void noteStatus(await split.cancel(id)));
  wake();
}

/** Requeues what failed. If nothing can be requeued, sends the file again if the page still has it. */
async function tryAgain(cell: Cell): Promise<void> {
  const { id, image, upload, stage } = cell.peek();
  if (id === null || stage === 'gone' || image?.status !== 'failed') {
    sendAgain(cell);
    return;
  }
  await attempt(cell, async () => {
    try {
      noteStatus(await split.retry(id));
    } catch (error) {
      if (!(error instanceof Refusal) || upload === null) throw error;
      sendAgain(cell);
    }
  });
  wake();
}
