// Runs once, before the integration tests: builds the functions, which run from their bundles as in production.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildIfStale } from '../scripts/build.ts';

const compiled = join(import.meta.dirname, '../node_modules/.cache/test-compiled');

export default async (): Promise<void> => {
  await buildIfStale();
  // The tests start this project's commands many times. Node keeps what it has compiled here, for the next start. The
  // folder is removed first, because copies of the project in temporary folders add to it in every run.
  await rm(compiled, { recursive: true, force: true });
  process.env.NODE_COMPILE_CACHE = compiled;
};
