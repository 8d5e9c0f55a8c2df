// The thread of decode.ts. It decodes one JPEG after another, and one band for each request. A band's memory
// is transferred to the other thread without a copy.
import { parentPort, workerData } from 'node:worker_threads';
import { Problem, type ProblemCode } from '../../errors.ts';
import { type Bitmap, freeBytes } from '../pixels.ts';
import { type DecodeTask, uprightBands } from './upright-bands.ts';

/** Starts with a file, or requests its next band. */
export type Request = { task: DecodeTask } | 'next';

/**
 * The reply to `next`: a band; after the last band, the number of bytes of memory used; or the fault in the
 * file. After one of the last two, a `next` gets no reply.
 */
export type Reply =
  { band: Bitmap } | { memoryBytes: number } | { problem: { code: ProblemCode; message: string } };

const { libjpeg } = workerData as { libjpeg: WebAssembly.Module };
let bands: Generator<Bitmap, number> | null = null;

parentPort?.on('message', (request: Request) => {
  if (request !== 'next') {
    bands = uprightBands(libjpeg, request.task);
    freeBytes(request.task.file);
  } else if (bands !== null) {
    const reply = nextBand(bands);
    if (!('band' in reply)) bands = null;
    parentPort?.postMessage(reply, 'band' in reply ? [reply.band.data.buffer as ArrayBuffer] : []);
  }
});

function nextBand(bands: Generator<Bitmap, number>): Reply {
  try {
    const { done, value } = bands.next();
    return done ? { memoryBytes: value } : { band: value };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { problem: { code: error.code, message: error.message } };
  }
}
