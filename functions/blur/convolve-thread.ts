// Runs in a thread of the pool. Buffers are transferred between the threads without a copy.
import { move } from 'piscina';
import { convolveTile, type ConvolveTask } from './convolve-tile.ts';

export default function convolveInThread(task: ConvolveTask): Uint8Array {
  return move(convolveTile(task)) as unknown as Uint8Array;
}
