// The finished picture over the original, with a slider between them.
import { useSignal } from '@preact/signals';
import type { Picture } from './pictures.ts';

export function Compare({ picture, after }: { picture: Picture; after: string }) {
  const { name, before, image } = picture;
  const at = useSignal(50);
  const { width = 3, height = 2 } = image ?? {};
  const ratio = width / height;
  if (before === null) {
    return (
      <figure class="compare" style={{ '--ratio': ratio }}>
        <img src={after} alt={`The result of ${name}`} width={width} height={height} />
      </figure>
    );
  }
  return (
    <figure class="compare" style={{ '--at': `${at.value}%`, '--ratio': ratio }}>
      <img src={before} alt={`${name} before`} width={width} height={height} />
      <img class="after" src={after} alt={`${name} after`} width={width} height={height} />
      <span class="handle" aria-hidden="true" />
      <span class="tag left" aria-hidden="true">
        before
      </span>
      <span class="tag right" aria-hidden="true">
        after
      </span>
      <input
        type="range"
        min="0"
        max="100"
        value={at.value}
        aria-label={`Where ${name} changes from before to after`}
        aria-valuetext={`${at.value} % before, ${100 - at.value} % after`}
        onInput={({ currentTarget }) => (at.value = Number(currentTarget.value))}
      />
    </figure>
  );
}
