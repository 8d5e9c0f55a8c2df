// Finds the package from its sources, and from the bundle in the result of `npm pack`.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder with package.json and dist. */
export const packageRoot = rootAbove(import.meta.dirname);

function rootAbove(folder: string): string {
  return existsSync(join(folder, 'package-lock.json')) || existsSync(join(folder, 'LICENSE'))
    ? folder
    : rootAbove(dirname(folder));
}
