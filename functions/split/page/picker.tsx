// Where pictures are dropped or chosen, and what is done to them.
import { areValid, Choices, queryOf } from './choices.tsx';
import { pictures } from './pictures.ts';
import { drawSample } from './sample.ts';
import { sendFile } from './uploads.ts';

/** Sends files with the current choices. If one of these is not valid, it gets the focus instead. */
export function addFiles(files: Iterable<File>): void {
  if (areValid()) for (const file of files) sendFile(file, file.name, queryOf(file.name));
  else document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}

async function addSample(): Promise<void> {
  sendFile(await drawSample(), 'hills.png', queryOf('hills.png'));
}

export function Picker({ isDragging }: { isDragging: boolean }) {
  const isEmpty = pictures.value.length === 0;
  return (
    <section class={`picker ${isDragging ? 'dragging' : ''}`} aria-label="Add pictures">
      {isEmpty && <Tiles />}
      <div class="invitation">
        <h2>{isDragging ? 'Let go to add them' : isEmpty ? 'Drop a picture here' : 'Add pictures'}</h2>
        {isEmpty && <p>It is cut into tiles, workers start to blur them, and you can watch each tile.</p>}
        <p class="buttons">
          <label class="button primary">
            Choose pictures
            <input
              type="file"
              class="unseen"
              multiple
              accept="image/png,image/jpeg"
              disabled={!areValid()}
              onChange={({ currentTarget }) => {
                addFiles(currentTarget.files ?? []);
                currentTarget.value = '';
              }}
            />
          </label>
          <button type="button" disabled={!areValid()} onClick={() => void addSample()}>
            Try a sample
          </button>
        </p>
      </div>
      <Choices />
    </section>
  );
}

/** A small mosaic, for a page without pictures. */
function Tiles() {
  const shades = [3, 7, 2, 8, 5, 6, 9, 4, 7, 3, 2, 5, 8, 6, 9, 1, 4, 7];
  return (
    <svg class="tiles" viewBox="0 0 60 30" aria-hidden="true">
      {shades.map((shade, at) => (
        <rect
          key={at}
          x={(at % 6) * 10 + 0.5}
          y={Math.floor(at / 6) * 10 + 0.5}
          width="9"
          height="9"
          rx="1.2"
          opacity={shade / 10}
        />
      ))}
    </svg>
  );
}
