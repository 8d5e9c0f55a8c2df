// What a soak has done and found, and whether that is good.
import type { AccidentCounts } from './accidents.ts';

/** What was done to the pipeline, and how often. */
export interface SoakFaults extends AccidentCounts {
  workersKilled: number;
  workersStopped: number;
}

export interface SoakResult extends SoakFaults {
  images: number;
  tiles: number;
  tilesLost: number;
  imagesNotDone: number;
  /** Everything that the check for lost work found; only for the lease queue. */
  faults: string[];
  /** Claims beyond one per tile. */
  attemptsBeyond: number;
  reclaims: number;
  fenced: number;
  ms: number;
  /** How much more Redis memory is used at the end than after the first image, in bytes. */
  residueBytes: number;
}

/** Returns whether a soak of the lease queue kept its promises, and stayed within `maxResidueBytes`. */
export function keepsPromises(result: SoakResult, maxResidueBytes: number): boolean {
  const { images, tilesLost, imagesNotDone, faults, residueBytes } = result;
  return (
    images > 0 &&
    tilesLost === 0 &&
    imagesNotDone === 0 &&
    faults.length === 0 &&
    residueBytes <= maxResidueBytes
  );
}
