// Runs the queue's tests in a copy of the queue with a planted fault, up to the first failure, quick tests
// first.
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const order = [
  'lease-queue',
  'claim',
  'begin',
  'image-ledger',
  'image-reader',
  'owners',
  'dead-letters',
  'sweep',
  'clock',
  'ancillary',
  'memory-limit',
  'measures',
  'lost-replies',
  'invariants',
  'keys',
  'counts',
  'naive-queue',
  'model',
  'steps',
];

function placeOf({ moduleId }: TestSpecification): number {
  return order.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
}

class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return [...files].sort((one, other) => placeOf(one) - placeOf(other));
  }
}

export default defineConfig({
  cacheDir: '.cache',
  test: {
    include: ['test/queue/**/*.test.ts'],
    bail: 1,
    fileParallelism: false,
    isolate: false,
    sequence: { sequencer: QuickFirst },
    // A fault may make a test wait for something that never happens.
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
