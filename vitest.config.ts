import { defineConfig } from 'vitest/config';

/**
 * `unit`: beside the code, no process or server but the test's own. `integration`: everything that spans
 * rooms, on a real Redis, real HTTP and real processes. Files of `integration` share two cores, so they run
 * one after another.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['functions/**/*.test.ts', 'local/**/*.test.ts', 'test/mutants/**/*.test.ts'],
          // A busy machine may take its time; no test measures it.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts'],
          exclude: ['test/mutants/**'],
          globalSetup: ['test/build.setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
