import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** For all projects. */
const shared = {
  // With the same number the projects share the workers, and unit tests fill the time at the end. Most files of `integration`
  // wait for their servers most of the time, so more files run at once than a small machine has cores.
  maxWorkers: Math.max(6, availableParallelism()),
  // A worker runs many files, and loads what they share once. So a file that uses `vi.mock` calls `vi.resetModules`
  // before and after.
  isolate: false,
  setupFiles: ['functions/testing/restored-environment.ts'],
};

/** For the projects that start processes. They run the functions from their bundles, as in production. */
const withProcesses = {
  ...shared,
  globalSetup: ['test/build.setup.ts'],
  testTimeout: 120_000,
  hookTimeout: 60_000,
  // The report marks a test that passed at the second try: it has a race to fix.
  retry: process.env.CI ? 1 : 0,
};

/** What takes longest. It would double the time of `npm test`. */
const system = [
  'test/faults/**/*.test.ts',
  'test/chaos/**/*.test.ts',
  'test/scripts/**/*.test.ts',
  'test/page/browser.test.ts',
];

/**
 * `unit`: beside the code, no process or server but the test's own. `integration`: the queue, the pipeline and the manifests, on a
 * real Redis, real HTTP and real processes. `system`: processes that are killed, chaos runs, the page in a browser, and the scripts for a
 * cluster. Each file of the last two brings its own servers. `npm test` runs the first two, `npm run test:all` everything.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: [
            'functions/**/*.test.ts',
            'local/**/*.test.ts',
            'simulate/**/*.test.ts',
            'test/mutants/**/*.test.ts',
          ],
          // A busy machine may take its time; no test measures it.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          ...withProcesses,
          name: 'integration',
          include: ['test/**/*.test.ts'],
          exclude: ['test/mutants/**', ...system],
        },
      },
      { test: { ...withProcesses, name: 'system', include: system } },
    ],
  },
});
