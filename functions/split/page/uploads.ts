// Sends the chosen files: two at a time, the others wait. Whatever can pass by itself, such as a full queue or a split that
// restarts, only delays an upload.
import { announce } from './announcements.ts';
import { Refusal } from './faults.ts';
import { drawPreview } from './preview.ts';
import { accept, addPicture, change, removePicture, showAfter, type Cell } from './pictures.ts';
import { split } from './split.ts';
import { wake } from './watch.ts';

const AT_ONCE = 2;
const RETRY_MS = 2000;
/** The longest wait that split may ask for. */
const MAX_WAIT_S = 60;

let waiting: Cell[] = [];
let sending = 0;
let restTimer: ReturnType<typeof setTimeout> | null = null;

/** Sends a file. `query` says what to do with it. */
export function sendFile(file: Blob, name: string, query: string): void {
  const upload = { file, query, abort: new AbortController() };
  const cell = addPicture({ name, stage: 'waiting', upload, before: URL.createObjectURL(file) });
  void drawPreview(file).then((preview) => change(cell, { preview }));
  enqueue(cell);
}

/** Sends the file of a picture once more. */
export function sendAgain(cell: Cell): void {
  const { upload } = cell.peek();
  if (upload === null) return;
  showAfter(cell, null);
  const again = { ...upload, abort: new AbortController() };
  change(cell, {
    stage: 'waiting',
    upload: again,
    id: null,
    image: null,
    tiles: null,
    note: null,
    detail: null,
  });
  enqueue(cell);
}

/** Takes back a file that is not accepted yet. */
export function takeBack(cell: Cell): void {
  waiting = waiting.filter((each) => each !== cell);
  cell.peek().upload?.abort.abort();
  removePicture(cell);
}

/** Sends the waiting files now, for example because the network is back. */
export function hurry(): void {
  if (restTimer !== null) clearTimeout(restTimer);
  restTimer = null;
  sendNext();
}

function enqueue(cell: Cell): void {
  waiting.push(cell);
  sendNext();
}

function sendNext(): void {
  if (restTimer !== null || sending >= AT_ONCE) return;
  const cell = waiting.shift();
  if (cell === undefined) return;
  sending++;
  void send(cell).finally(() => {
    sending--;
    sendNext();
  });
  sendNext();
}

async function send(cell: Cell): Promise<void> {
  const { upload, name } = cell.peek();
  if (upload === null) return;
  change(cell, { stage: 'sending', note: null, detail: null });
  try {
    accept(cell, await split.send(upload.query, upload.file, upload.abort.signal));
    announce(`${name} was accepted.`);
    wake();
  } catch (error) {
    if (!upload.abort.signal.aborted) failed(cell, error as Error);
  }
}

function failed(cell: Cell, error: Error): void {
  if (error instanceof Refusal && !error.isForNow) {
    change(cell, { stage: 'refused', note: error.message, detail: error.detail });
    announce(`${cell.peek().name}: ${error.message}`);
    return;
  }
  const isFull = error instanceof Refusal;
  const note = isFull
    ? `${error.message} It is sent as soon as possible.`
    : 'Tessera does not answer. It is sent as soon as it does.';
  change(cell, { stage: 'waiting', note });
  waiting.unshift(cell);
  rest(isFull ? Math.min(error.retryAfterS, MAX_WAIT_S) * 1000 : RETRY_MS);
}

/** Sends nothing for a while. */
function rest(ms: number): void {
  if (restTimer !== null) clearTimeout(restTimer);
  restTimer = setTimeout(hurry, ms);
}
