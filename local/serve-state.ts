// How scripts find a pipeline that is running on this machine: through a small file in its own folder,
// removed when the pipeline ends. scripts/lib/common.sh reads the same files.
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Guard } from './guard.ts';
import { makeTemporaryFolder, removeTemporaryFolder } from './temporary-folder.ts';

export interface ServeState {
  pid: number;
  /** split's URL. */
  url: string;
  /** The pipeline's Redis. */
  redis: string;
  keyPrefix: string;
}

const STATE = 'state.json';

/** Where the folders of all pipelines are, and the prefix of this user's folders. */
const parent = () => process.env.XDG_RUNTIME_DIR || process.env.TMPDIR || '/tmp';
const PREFIX = `tessera-serve-${process.getuid?.() ?? 0}-`;

/** A folder for one pipeline, with its addresses. */
export class ServeFolder {
  readonly path: string;
  readonly #guard: Guard;

  private constructor(path: string) {
    this.path = path;
    this.#guard = new Guard(path);
  }

  static async make(): Promise<ServeFolder> {
    return new ServeFolder(await makeTemporaryFolder(parent(), PREFIX));
  }

  async tell(state: ServeState): Promise<void> {
    await writeFile(join(this.path, STATE), `${JSON.stringify(state)}\n`);
  }

  async close(): Promise<void> {
    await removeTemporaryFolder(this.path);
    this.#guard.release();
  }
}

/**
 * Returns the pipeline that was started last and still runs; null if there is none. Removes what other
 * pipelines left behind.
 */
export async function findServe(): Promise<ServeState | null> {
  // No pipeline runs in a folder that does not exist.
  const inParent = await readdir(parent()).catch(() => []);
  const names = inParent.filter((name) => name.startsWith(PREFIX));
  const running: { state: ServeState; startedAt: number }[] = [];
  for (const name of names) {
    const folder = join(parent(), name);
    const found = await stat(join(folder, STATE)).catch(() => null);
    // Without a file it is still starting. No other user may decide where this user's images are sent.
    if (found?.uid !== process.getuid?.()) continue;
    const state = JSON.parse(await readFile(join(folder, STATE), 'utf8')) as ServeState;
    if (isRunning(state.pid)) running.push({ state, startedAt: found?.mtimeMs ?? 0 });
    else await removeTemporaryFolder(folder);
  }
  return running.sort((a, b) => b.startedAt - a.startedAt)[0]?.state ?? null;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
