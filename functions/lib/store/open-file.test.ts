import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Problem } from '../errors.ts';
import { asNobody } from '../../testing/as-nobody.ts';
import { openFile } from './open-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-open-'));
  await chmod(folder, 0o755);
  await writeFile(join(folder, 'file'), 'bytes');
  await writeFile(join(folder, 'closed'), 'bytes', { mode: 0 });
  await mkdir(join(folder, 'folder'));
  await symlink('circle', join(folder, 'circle'));
  await symlink('/dev/null', join(folder, 'null'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
});
afterAll(() => rm(folder, { recursive: true }));

async function told(name: string): Promise<string> {
  try {
    await (await openFile(join(folder, name), name)).handle.close();
    return 'opened';
  } catch (error) {
    if (error instanceof Problem) return `${error.status} ${error.message}`;
    throw error;
  }
}

describe('openFile', () => {
  it('opens a file and returns its size', async () => {
    const { handle, stats } = await openFile(join(folder, 'file'), 'file');
    expect(Number(stats.size)).toBe(5);
    expect(await handle.readFile('utf8')).toBe('bytes');
    await handle.close();
  });

  it.each([
    ['nothing', '404 There is no "nothing" here.'],
    ['file/below', '404 There is no "file/below" here.'],
    ['folder', '422 "folder" is a folder, not a file.'],
    ['pipe', '422 "pipe" is a pipe, not a file.'],
    ['circle', '422 "circle" is a link that leads to itself.'],
    ['null', '422 "null" is a device, not a file.'],
    ['x'.repeat(300), `422 "${'x'.repeat(300)}" cannot be read (ENAMETOOLONG).`],
  ])('refuses %s with a reason', async (name, message) => {
    expect(await told(name)).toBe(message);
  });

  it('refuses a file that may not be read', async () => {
    expect(await asNobody(() => told('closed'))).toBe('422 "closed" cannot be read (EACCES).');
  });
});
