// Every fault that `npm run test:mutants` plants in the queue.
import { counterMutants } from './counter-mutants.ts';
import { imageMutants } from './image-mutants.ts';
import type { Mutant } from './mutant.ts';
import { roomMutants } from './room-mutants.ts';
import { sharedMutants } from './shared-mutants.ts';
import { splitMutants } from './split-mutants.ts';
import { sweepMutants } from './sweep-mutants.ts';
import { workerMutants } from './worker-mutants.ts';

export const mutants: Mutant[] = [
  ...workerMutants,
  ...sharedMutants,
  ...splitMutants,
  ...sweepMutants,
  ...imageMutants,
  ...roomMutants,
  ...counterMutants,
];
