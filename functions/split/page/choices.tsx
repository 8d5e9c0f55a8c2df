// What is done to the pictures: the filter with its parameters, and the format of the results.
import { signal, type Signal } from '@preact/signals';
import { readValue, type Parameter } from '../../lib/filters/filter.ts';
import { DEFAULT_FILTER, filterNames, filters, type FilterName } from '../../lib/filters/registry.ts';
import { LARGEST_KERNEL } from '../../lib/kernel-size.ts';

type Format = 'png' | 'jpeg';

const filter = signal<FilterName>(DEFAULT_FILTER);
const format = signal<Format>('png');
/** What is typed for each parameter. Parameters of one name are shared by the filters. */
const given = signal<Record<string, string>>({});

function textOf(name: string, { fallback }: Parameter): string {
  return given.value[name] ?? String(fallback);
}

function parameters(): [name: string, parameter: Parameter][] {
  return Object.entries(filters[filter.value].parameters);
}

export function areValid(): boolean {
  return parameters().every(([name, parameter]) => readValue(parameter, textOf(name, parameter)) !== null);
}

/** Returns the query that asks for what is chosen, for a file of this name. */
export function queryOf(name: string): string {
  const values = parameters().map(([each, parameter]) => [each, textOf(each, parameter)]);
  const asked = [['name', name], ['filter', filter.value], ...values, ['format', format.value]];
  return String(new URLSearchParams(asked));
}

export function Choices() {
  return (
    <form class="choices" onSubmit={(event) => event.preventDefault()}>
      <Choice title="Filter" options={filterNames} chosen={filter} />
      {parameters().map(([name, parameter]) => (
        <ParameterField key={name} name={name} parameter={parameter} />
      ))}
      <Choice title="Result" options={['png', 'jpeg']} chosen={format} words={(name) => name.toUpperCase()} />
    </form>
  );
}

interface ChoiceProps<T extends string> {
  title: string;
  options: T[];
  chosen: Signal<T>;
  words?: (option: T) => string;
}

function Choice<T extends string>({ title, options, chosen, words = capitalised }: ChoiceProps<T>) {
  return (
    <fieldset>
      <legend>{title}</legend>
      {options.map((option) => (
        <label key={option}>
          <input
            type="radio"
            name={title}
            checked={chosen.value === option}
            onChange={() => (chosen.value = option)}
          />
          <span>{words(option)}</span>
        </label>
      ))}
    </fieldset>
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
