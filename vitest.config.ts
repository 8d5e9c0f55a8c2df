import { defineConfig } from 'vitest/config';

/**
 * `unit`: beside the code, no process or server but the test's own. `integration`: everything that uses
 * several folders, on a real Redis, real HTTP and real processes. Each file of `integration` brings its own servers and spends most
 * of its time waiting for them, so more files run at once than the machine has cores.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
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
          name: 'integration',
          include: ['test/**/*.test.ts'],
          exclude: ['test/mutants/**'],
          globalSetup: ['test/build.setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          // The report marks a test that passed at the second try: it has a race to fix.
          retry: process.env.CI ? 1 : 0,
          maxWorkers: 4,
          sequence: { groupOrder: 1 }, // After the unit tests: projects that run at once share one limit.
        },
      },
    ],
  },
});
