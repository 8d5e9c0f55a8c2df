// Decodes JPEGs to bands of rows in threads, so that the main thread stays free for requests, and a file that
// takes too long can be stopped. Idle threads are kept for the next images, because starting a thread takes
// longer than decoding a small image.
import { Worker } from 'node:worker_threads';
import { Problem } from '../../errors.ts';
import { copyInSlices } from '../../slices.ts';
import type { Bitmap } from '../pixels.ts';
import type { JpegHeader } from './header.ts';
import type { Reply, Request } from './jpeg-thread.ts';
import { loadLibjpeg } from './libjpeg.ts';
import type { DecodeTask } from './upright-bands.ts';

/** Bands decoded ahead of the reader, so that decoder and reader work at the same time. */
const bandsAhead = 4;
/** A thread that used more memory than this is not kept, because it would keep the memory. */
const keptBytes = 32 * 1024 * 1024;
/** As many as images that split decodes at once by default. */
const keptThreads = 2;

/** From source or from a bundle, the thread's file has the same extension as this file. */
const threadFile = new URL(
  `./jpeg-thread${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`,
  import.meta.url,
);

/** Idle threads, at most {@link keptThreads}. */
const spares: JpegThread[] = [];

export interface DecodeLimits {
  /** How long a reader waits for the decoder in total. */
  timeoutMs: number;
  /** Memory for decoding, besides the file. */
  memoryBytes: number;
  /** Largest product of pixels and scans. Each scan is a pass over all pixels, even if it has only a few bytes. */
  scanPixels: number;
}

/**
 * Yields the rows of the JPEG in `file` from the top, turned upright, with 3 bytes per pixel. Each band has
 * its own buffer. A few bands are decoded ahead of the reader. Throws `invalid-image` if the picture data is
 * damaged, possibly after good bands but never after the last one, and `image-too-large` if `limits` are
 * exceeded. Leaving the loop early terminates the thread.
 */
export async function* decodeJpeg(
  file: Uint8Array,
  { width, height, orientation }: Pick<JpegHeader, 'width' | 'height' | 'orientation'>,
  { timeoutMs, memoryBytes, scanPixels }: DecodeLimits,
): AsyncGenerator<Bitmap> {
  const libjpeg = await loadLibjpeg();
  const thread = spares.pop() ?? new JpegThread(libjpeg);
  let isReusable = false;
  try {
    await thread.begin({ file, width, height, orientation, memoryBytes, scanPixels });
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
    if (isReusable && spares.length < keptThreads) {
      thread.rest();
      spares.push(thread);
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

  async begin(task: DecodeTask): Promise<void> {
    this.#worker.ref();
    // A copy that can be transferred to the thread, because the file itself belongs to the caller.
    const file = await copyInSlices(task.file);
    this.#post({ task: { ...task, file } }, [file.buffer]);
    for (let i = 0; i < bandsAhead; i++) this.askForNext();
  }

  askForNext(): void {
    this.#post('next');
  }

  /**
   * Returns the next reply. Throws if the thread crashes, or does not reply within `waitMs`, the rest of
   * `timeoutMs`.
   */
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
      throw new Problem('internal', 'The JPEG decoder crashed', { cause: this.#fault });
    }
    throw new Problem('image-too-large', `Decoding the JPEG takes longer than ${timeoutMs} ms`);
  }

  /** Allows the process to end while the thread waits for an image. */
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
