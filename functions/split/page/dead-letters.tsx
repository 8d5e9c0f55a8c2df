// Tiles and events that were given up, by image, to be requeued or dropped.
import { useSignal } from '@preact/signals';
import { Away, Refusal } from './faults.ts';
import { deadLetters } from './look.ts';
import { noteStatus } from './pictures.ts';
import { split } from './split.ts';
import type { DeadLetter, ListedImage } from './views.ts';
import { wake } from './watch.ts';

export function DeadLetters() {
  const images = Object.values(Object.groupBy(deadLetters.value, ({ id }) => id)).filter(
    (each) => each !== undefined,
  );
  if (images.length === 0) return null;
  return (
    <section class="panel">
      <h2>
        Dead letters <small>given up after too many attempts</small>
      </h2>
      <ul class="dead-letters">
        {images.map((letters) => (
          <DeadImage key={letters[0].id} letters={letters} />
        ))}
      </ul>
    </section>
  );
}

function DeadImage({ letters }: { letters: DeadLetter[] }) {
  const [{ id, name, since }] = letters;
  const isAsking = useSignal(false);
  const fault = useSignal<string | null>(null);
  const act = async (work: () => Promise<ListedImage>) => {
    try {
      noteStatus(await work());
      deadLetters.value = deadLetters.value.filter((letter) => letter.id !== id);
    } catch (error) {
      if (!(error instanceof Refusal || error instanceof Away)) throw error;
      fault.value = error instanceof Refusal ? error.message : 'Tessera does not answer.';
    }
    wake();
  };
  return (
    <li>
      <p class="title">
        <strong title={name}>{name}</strong> <small>{new Date(since).toLocaleTimeString()}</small>
      </p>
      <ul class="reasons">
        {[...new Set(letters.map(({ reason }) => reason))].map((reason) => (
          <li key={reason}>
            {whichOf(letters.filter((letter) => letter.reason === reason))}: {reason}
          </li>
        ))}
      </ul>
      {fault.value !== null && <p class="note bad">{fault}</p>}
      <p class="buttons">
        {/* The question uses the same two buttons, so that the focus stays. */}
        <button
          type="button"
          class={isAsking.value ? 'danger' : ''}
          onClick={() => void act(async () => (isAsking.value ? split.cancel(id) : split.retry(id)))}
        >
          {isAsking.value ? `Drop ${name} for good` : 'Requeue'}
        </button>
        <button type="button" class="quiet" onClick={() => (isAsking.value = !isAsking.value)}>
          {isAsking.value ? 'Keep it' : 'Drop'}
        </button>
      </p>
    </li>
  );
}

const NAMED = 6;

function whichOf(letters: DeadLetter[]): string {
  const tiles = letters
    .map(({ tile }) => tile)
    .filter((tile) => tile !== null)
    .sort((a, b) => a - b);
  if (tiles.length === 0) return 'Its event';
  const names =
    tiles.slice(0, NAMED).join(', ') + (tiles.length > NAMED ? ` and ${tiles.length - NAMED} more` : '');
  return `${tiles.length === 1 ? 'Tile' : 'Tiles'} ${names}`;
}
