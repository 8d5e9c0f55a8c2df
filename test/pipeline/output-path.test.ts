import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FunctionProcess } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';

let server: RedisServer;
let folder: string;

beforeAll(async () => {
  server = await RedisServer.start();
  folder = await mkdtemp(join(tmpdir(), 'tessera-output-'));
  await writeFile(join(folder, 'file'), 'no folder');
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

describe('assemble', () => {
  it.each([
    ['a file', 'file', 'EEXIST'],
    ['a folder in a file', 'file/output', 'ENOTDIR'],
    ['a name that is too long', 'x'.repeat(300), 'ENAMETOOLONG'],
  ])('exits at once, with one line that says why, if OUTPUT_PATH is %s', async (_what, name, code) => {
    const logged: string[] = [];
    const env = { REDIS_URL: server.url, OUTPUT_PATH: join(folder, name) };
    const assemble = new FunctionProcess('assemble', { env, onLog: (line) => logged.push(line) });
    await assemble.exited;
    expect(assemble.end).toBe(1);
    const faults = logged.filter((line) => line.includes('OUTPUT_PATH'));
    expect(faults.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({
        severity: 'ERROR',
        message: 'OUTPUT_PATH cannot be used',
        path: join(folder, name),
        error: expect.stringContaining(code) as unknown,
      }),
    ]);
    expect(logged).toEqual(faults);
  });

  it('makes the folder when it starts', async () => {
    const env = { REDIS_URL: server.url, OUTPUT_PATH: join(folder, 'new/deep') };
    const assemble = new FunctionProcess('assemble', { env });
    await assemble.ready();
    expect(await readdir(join(folder, 'new/deep'))).toEqual([]);
    await assemble.stop();
  });
});
