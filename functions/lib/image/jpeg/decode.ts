// JPEG bytes to bands of rows, in threads, so that the one that answers requests stays free, and a file that takes too long
// can be given up. One thread waits for the next image: to start it costs more than to decode a small one.
import { Worker } from 'node:worker_threads';
import { Problem } from '../../errors.ts';
import type { Bitmap } from '../pixels.ts';
import type { JpegHeader } from './header.ts';
import type { Reply, Request } from './jpeg-thread.ts';
import { loadLibjpeg } from './libjpeg.ts';
import type { DecodeTask } from './upright-bands.ts';

/** Bands decoded ahead of the reader, so that both work side by side. */
const bandsAhead = 4;
/** A thread that took more than this for an image is not kept, for it would keep the memory. */
const keptBytes = 32 * 1024 * 1024;

/** Run from source or bundled, the thread's file has the same extension as this one. */
const threadFile = new URL(
  `./jpeg-thread${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`,
  import.meta.url,
);

let spare: JpegThread | null = null;

export interface DecodeLimits {
  /** How long a reader waits for the decoder in all. */
  timeoutMs: number;
  /** What decoding may take besides the file. */
  memoryBytes: number;
  /** Pixels times scans, the most there may be. Each scan is a pass over all pixels, for as little as a few bytes. */
  scanPixels: number;
}

/**
 * The rows of the JPEG in `file` from the top, turned upright as its header says, 3 bytes a pixel, each band in a buffer of its
 * own, decoded a few bands ahead of the reader. Throws `invalid-image` where the data of the picture is damaged, maybe after
 * good bands but never after the last, and `image-too-large` for what exceeds `limits`. Leaving the loop early ends the
 * thread.
 */
export async function* decodeJpeg(
  file: Uint8Array,
  { width, height, orientation }: Pick<JpegHeader, 'width' | 'height' | 'orientation'>,
  { timeoutMs, memoryBytes, scanPixels }: DecodeLimits,
): AsyncGenerator<Bitmap> {
  const libjpeg = await loadLibjpeg();
  const thread = spare ?? new JpegThread(libjpeg);
  spare = null;
  let isReusable = false;
  try {
    thread.begin({ file, width, height, orientation, memoryBytes, scanPixels });
    for (let leftMs = timeoutMs; ;) {
      const askedAt = performance.now();
      const reply = await thread.reply(leftMs, timeoutMs);
      leftMs -= performance.now() - askedAt;
      if ('problem' in reply) throw new Problem(reply.problem.code, reply.problem.message);
      if ('memoryBytes' in reply) {
        isReusable = reply.memoryBytes <= keptBytes;
        return;
      }
      thread.askForNext();
      yield reply.band;
    }
  } finally {
    if (isReusable && spare === null) {
      thread.rest();
      spare = thread;
    } else {
      thread.end();
    }
  }
}

class JpegThread {
  readonly #worker: Worker;
  readonly #replies: Reply[] = [];
  #fault: Error | null = null;
  #wake = (): void => {};

  constructor(libjpeg: WebAssembly.Module) {
    this.#worker = new Worker(threadFile, { workerData: { libjpeg } });
    this.#worker.on('message', (reply: Reply) => {
      this.#replies.push(reply);
      this.#wake();
    });
    this.#worker.on('error', (error: Error) => {
      this.#fault = error;
      this.#wake();
    });
  }

  begin(task: DecodeTask): void {
    this.#worker.ref();
    // A copy that can move to the thread; the file itself is the caller's.
    const file = new Uint8Array(task.file);
    this.#post({ task: { ...task, file } }, [file.buffer]);
    for (let i = 0; i < bandsAhead; i++) this.askForNext();
  }

  askForNext(): void {
    this.#post('next');
  }

  /** The next reply. Throws when the thread breaks, or has none after `waitMs`, the last of `timeoutMs`. */
  async reply(waitMs: number, timeoutMs: number): Promise<Reply> {
    if (this.#replies.length === 0 && this.#fault === null) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, waitMs);
      });
      clearTimeout(timer);
    }
    const reply = this.#replies.shift();
    if (reply !== undefined) return reply;
    if (this.#fault !== null) {
      throw new Problem('internal', 'The JPEG decoder broke down', { cause: this.#fault });
    }
    throw new Problem('image-too-large', `Decoding the JPEG takes longer than ${timeoutMs} ms`);
  }

  /** Lets the process end while the thread waits for an image. */
  rest(): void {
    this.#worker.unref();
  }

  end(): void {
    void this.#worker.terminate();
  }

  #post(request: Request, moved: ArrayBuffer[] = []): void {
    this.#worker.postMessage(request, moved);
  }
}
