// The far side of decode.ts: decodes one JPEG after another, a band each time it is asked for one. The bands' memory
// moves to the other thread, it is not copied.
import { parentPort, workerData } from 'node:worker_threads';
import { Problem, type ProblemCode } from '../../errors.ts';
import { type Bitmap, freeBytes } from '../pixels.ts';
import { type DecodeTask, uprightBands } from './upright-bands.ts';

/** Begins with a file, or asks for the next band of it. */
export type Request = { task: DecodeTask } | 'next';

/**
 * What comes back for a `next`: a band, the bytes of memory that were taken once there is none left, or what is wrong with
 * the file. After those two, a `next` comes back as nothing.
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
