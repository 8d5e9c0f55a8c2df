// Sends the chosen files: two at a time, the others wait. A temporary fault, such as a full queue or a restart of split, only
// delays an upload.
import { announce } from './announcements.ts';
import { Refusal } from './faults.ts';
import { accept, addPicture, change, removePicture, showAfter, type Cell } from './pictures.ts';
import { split } from './split.ts';
import { link, wake } from './watch.ts';

const AT_ONCE = 2;
const RETRY_MS = 2000;
/** How often a file may fail to arrive while split answers other requests. */
const MOST_FAILURES = 3;
/** The longest wait that split may ask for. */
const MAX_WAIT_S = 60;

let waiting: Cell[] = [];
let sending = 0;
let restTimer: ReturnType<typeof setTimeout> | null = null;

/** Sends a file. `query` says what to do with it. */
export function sendFile(file: Blob, name: string, query: string): void {
  const upload = { file, query, abort: new AbortController(), failures: 0 };
  enqueue(addPicture({ name, stage: 'waiting', upload, before: URL.createObjectURL(file) }));
}

/** Sends the file of a picture once more. */
export function sendAgain(cell: Cell): void {
  const { upload } = cell.peek();
  if (upload === null) return;
  showAfter(cell, null);
  const again = { ...upload, abort: new AbortController(), failures: 0 };
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
  if (!(await isReadable(upload.file))) {
    refused(cell, 'This file cannot be read. Is it a folder, or was it moved?');
    return;
  }
  if (upload.file.size === 0) {
    refused(cell, 'This file is empty.');
    return;
  }
  try {
    accept(cell, await split.send(upload.query, upload.file, upload.abort.signal));
    announce(`${name} was accepted.`);
    wake();
  } catch (error) {
    if (!upload.abort.signal.aborted) failed(cell, error as Error);
  }
}

async function isReadable(file: Blob): Promise<boolean> {
  return file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );
}

function failed(cell: Cell, error: Error): void {
  const { upload } = cell.peek();
  if (error instanceof Refusal && !error.isForNow) {
    refused(cell, error.message, error.detail);
  } else if (error instanceof Refusal) {
    putBack(cell, `${error.message} It is sent as soon as possible.`);
    rest(Math.min(error.retryAfterS, MAX_WAIT_S) * 1000);
  } else if (upload !== null && link.peek() === 'up' && ++upload.failures >= MOST_FAILURES) {
    // split answers other requests, so the fault is in this transfer.
    refused(cell, 'The transfer broke off several times. Is the file very large, or the connection slow?');
  } else {
    putBack(cell, 'Tessera does not answer. It is sent as soon as it does.');
    rest(RETRY_MS);
  }
}

function refused(cell: Cell, note: string, detail: string | null = null): void {
  change(cell, { stage: 'refused', note, detail });
  announce(`${cell.peek().name}: ${note}`);
}

function putBack(cell: Cell, note: string): void {
  change(cell, { stage: 'waiting', note });
  waiting.unshift(cell);
}

/** Sends nothing for a while. */
function rest(ms: number): void {
  if (restTimer !== null) clearTimeout(restTimer);
  restTimer = setTimeout(hurry, ms);
}
