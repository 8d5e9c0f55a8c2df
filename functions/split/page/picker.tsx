// Where pictures are dropped or chosen, and what is done to them.
import { signal } from '@preact/signals';
import { readValue, type Parameter } from '../../lib/filters/filter.ts';
import { DEFAULT_FILTER, filterNames, filters, type FilterName } from '../../lib/filters/registry.ts';
import { LARGEST_KERNEL } from '../../lib/kernel-size.ts';
import { pictures } from './pictures.ts';
import { drawSample } from './sample.ts';
import { sendFile } from './uploads.ts';

const filter = signal<FilterName>(DEFAULT_FILTER);
/** What is typed for each parameter. Parameters of one name are shared by the filters. */
const given = signal<Record<string, string>>({});

function textOf(name: string, { fallback }: Parameter): string {
  return given.value[name] ?? String(fallback);
}

function parameters(): [name: string, parameter: Parameter][] {
  return Object.entries(filters[filter.value].parameters);
}

function areValid(): boolean {
  return parameters().every(([name, parameter]) => readValue(parameter, textOf(name, parameter)) !== null);
}

/** Sends files with the choices of this moment. */
export function addFiles(files: Iterable<File>): void {
  if (areValid()) for (const file of files) sendFile(file, file.name, queryOf(file.name));
}

function queryOf(name: string): string {
  const values = parameters().map(([name, parameter]) => [name, textOf(name, parameter)]);
  return String(new URLSearchParams([['name', name], ['filter', filter.value], ...values]));
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
        {isEmpty && (
          <p>
            It is cut into tiles, workers appear from nothing to blur them, and you watch every tile come
            back.
          </p>
        )}
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
      <form class="choices" onSubmit={(event) => event.preventDefault()}>
        {filterNames.length > 1 && (
          <fieldset>
            <legend>Filter</legend>
            {filterNames.map((name) => (
              <label key={name}>
                <input
                  type="radio"
                  name="filter"
                  checked={filter.value === name}
                  onChange={() => (filter.value = name)}
                />
                <span>{capitalised(name)}</span>
              </label>
            ))}
          </fieldset>
        )}
        {parameters().map(([name, parameter]) => (
          <ParameterField key={name} name={name} parameter={parameter} />
        ))}
      </form>
    </section>
  );
}

function ParameterField({ name, parameter }: { name: string; parameter: Parameter }) {
  const text = textOf(name, parameter);
  const isValid = readValue(parameter, text) !== null;
  const onInput = ({ currentTarget }: { currentTarget: HTMLInputElement }) =>
    (given.value = { ...given.value, [name]: currentTarget.value });
  if (name === 'kernel') {
    return (
      <label class="field slider">
        <span>
          Kernel <b>{text} px</b>
        </span>
        <input type="range" min="1" max={LARGEST_KERNEL} step="2" value={text} onInput={onInput} />
      </label>
    );
  }
  return (
    <label class="field">
      <span>{capitalised(name)}</span>
      <input
        type="text"
        inputMode="decimal"
        value={text}
        aria-invalid={!isValid}
        aria-describedby={`${name}-help`}
        onInput={onInput}
      />
      <small id={`${name}-help`} class={isValid ? 'unseen' : ''}>
        This must be {parameter.wanted}.
      </small>
    </label>
  );
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
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
