// A picture as its tiles, live, with their counts in words.
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { signal } from '@preact/signals';
import { drawMosaic, drawWhole } from './draw-mosaic.ts';
import { countTiles, describeTiles, tileWords } from './tile-states.ts';
import { change, type Cell } from './pictures.ts';
import { drawPreview } from './preview.ts';

/** Changes when the colours do, so that canvases are drawn again. */
const scheme = signal(0);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => scheme.value++);

const LONGEST_PX = 1200;
/** The flattest and the tallest shape that is shown. */
const [LEAST, MOST] = [0.15, 1.2];

export function Mosaic({ cell }: { cell: Cell }) {
  const { name, upload, image, tiles, preview } = cell.value;
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height } = image ?? preview ?? { width: 3, height: 2 };
  const ratio = Math.min(MOST, Math.max(LEAST, height / width));
  const counts = countTiles(tiles?.tiles ?? '');
  const colors = scheme.value;

  useEffect(() => {
    if (upload !== null && preview === null)
      void drawPreview(upload.file).then((drawn) => change(cell, { preview: drawn }));
  }, [upload?.file]);

  useLayoutEffect(() => {
    if (canvas.current === null) return;
    if (tiles === null) drawWhole(canvas.current, preview);
    else {
      const tileSize = image !== null && 'tileSize' in image ? image.tileSize : 0;
      drawMosaic(canvas.current, { ...tiles, width, height, tileSize, preview });
    }
  }, [tiles?.tiles, image, preview, colors]);

  if (preview === null && tiles === null) return null;
  return (
    <figure style={{ '--ratio': 1 / ratio }}>
      <canvas
        ref={canvas}
        width={LONGEST_PX}
        height={Math.round(LONGEST_PX * ratio)}
        role="img"
        aria-label={tiles === null ? name : `Tiles of ${name}: ${describeTiles(counts)}`}
      />
      {tiles !== null && (
        <figcaption>
          <ul class="legend">
            {tileWords
              .filter(([state]) => counts.states[state] > 0)
              .map(([state, words]) => (
                <li key={state} class={state}>
                  {counts.states[state]} {words}
                </li>
              ))}
            {counts.retried > 0 && <li class="retried">{counts.retried} tried more than once</li>}
          </ul>
        </figcaption>
      )}
    </figure>
  );
}
