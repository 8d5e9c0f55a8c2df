// The far side of the thread pool. The buffers move between the threads, they are not copied.
import { move } from 'piscina';
import { convolveTile, type ConvolveTask } from './convolve-tile.ts';

export default function convolveInThread(task: ConvolveTask): Uint8Array {
  return move(convolveTile(task)) as unknown as Uint8Array;
}
