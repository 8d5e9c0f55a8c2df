// Shared by the generators: text in the project's format, written or checked.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

const root = new URL('../../', import.meta.url);

/** Reads a file of the repository by its path from the root. */
export const read = (path: string): Promise<string> => readFile(new URL(path, root), 'utf8');

/** Returns `text` as Prettier formats it for the file at `path`. */
export async function formatted(path: string, text: string): Promise<string> {
  const filepath = fileURLToPath(new URL(path, root));
  return format(text, { ...(await resolveConfig(filepath)), filepath });
}

/** Writes the files that differ; with `onlyCheck`, only lists them and sets the exit status to 1. */
export async function generate(files: Map<string, string>, onlyCheck: boolean): Promise<void> {
  let stale = 0;
  for (const [path, text] of files) {
    if ((await read(path).catch(() => '')) === text) continue;
    stale += 1;
    console.log(`${onlyCheck ? 'out of date' : 'written'}: ${path}`);
    if (!onlyCheck) await writeFile(new URL(path, root), text);
  }
  console.log(`generated files that differed: ${stale}`);
  if (onlyCheck && stale > 0) process.exitCode = 1;
}
