// The page as a whole: header, drop zone, pictures, and the pipeline beside them.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { announcement } from './announcements.ts';
import { Card } from './card.tsx';
import { DeadLetters } from './dead-letters.tsx';
import { queue } from './look.ts';
import { addFiles, Picker } from './picker.tsx';
import { PipelinePanel } from './pipeline-panel.tsx';
import { pictures, SHOWN, showMore, shown } from './pictures.ts';
import { TokenDialog } from './token-dialog.tsx';
import { link, wake } from './watch.ts';

export function App() {
  const isDragging = useDrop();
  return (
    <>
      <a class="skip" href="#pictures">
        Skip to the pictures
      </a>
      <Header />
      <main class={pictures.value.length === 0 ? 'empty' : ''}>
        <div class="column">
          <Away />
          <Picker isDragging={isDragging} />
          <Pictures />
        </div>
        <aside class="column" aria-label="The pipeline">
          <PipelinePanel />
          <DeadLetters />
        </aside>
      </main>
      <TokenDialog />
      <p class="unseen" aria-live="polite">
        {announcement}
      </p>
    </>
  );
}

function Header() {
  return (
    <header class="top">
      <h1>
        <Logo /> Tessera
      </h1>
      <p class={`pill ${link.value} ${queue.value?.images ? 'busy' : ''}`}>{stateWords()}</p>
    </header>
  );
}

function stateWords(): string {
  if (link.value === 'away') return 'No answer';
  if (link.value === 'connecting') return 'Connecting';
  if (link.value === 'asleep') return 'Asleep';
  const { images = 0 } = queue.value ?? {};
  if (images === 0) return 'Idle';
  return images === 1 ? '1 picture in progress' : `${images} pictures in progress`;
}

function Logo() {
  return (
    <svg viewBox="0 0 16 16" width="26" height="26" aria-hidden="true">
      {[1, 0.45, 0.7, 0.2].map((opacity, at) => (
        <rect
          key={at}
          x={at % 2 === 0 ? 1 : 9}
          y={at < 2 ? 1 : 9}
          width="6"
          height="6"
          rx="1.5"
          fill="currentColor"
          opacity={opacity}
        />
      ))}
    </svg>
  );
}

function Away() {
  if (link.value !== 'away') return null;
  return (
    <div class="banner">
      <p>
        <strong>Tessera does not answer.</strong> It may be restarting. This page tries again by itself, and
        what you have chosen is sent then.
      </p>
      <button type="button" onClick={wake}>
        Try now
      </button>
    </div>
  );
}

function Pictures() {
  const all = pictures.value;
  return (
    <section id="pictures" tabIndex={-1} aria-label="Pictures">
      <div class="cards">
        {all.slice(0, shown.value).map((cell) => (
          <Card key={cell.peek().key} cell={cell} />
        ))}
      </div>
      {all.length > shown.value && (
        <button type="button" class="more" onClick={showMore}>
          Show {Math.min(SHOWN, all.length - shown.value)} older
        </button>
      )}
    </section>
  );
}

/** Files may be dropped anywhere on the page. Returns whether some are held over it. */
function useDrop(): boolean {
  const isDragging = useSignal(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const over = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      isDragging.value = true;
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) isDragging.value = false;
    };
    const drop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      isDragging.value = false;
      addFiles(event.dataTransfer?.files ?? []);
    };
    addEventListener('dragover', over);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragover', over);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
    };
  }, []);
  return isDragging.value;
}
