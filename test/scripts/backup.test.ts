// scripts/backup.sh: with a fake kubectl, and its steps inside the pods with a real Redis.
import { execFile, execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RedisServer } from '../../local/redis-server.ts';
import { root } from '../manifests/overlays.ts';
import { openShell, present, type Rule, type Shell } from './shell.ts';

let shell: Shell;
let folder: string;
beforeAll(async () => {
  shell = await openShell(['kubectl']);
});
afterAll(() => shell.clean());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-backup-'));
});
afterEach(() => rm(folder, { recursive: true }));

const ns = 'kubectl --namespace tessera';
const cluster = present('namespace tessera', 'statefulset redis', 'persistentvolumeclaim redis-data');

describe('backup.sh save', () => {
  it('writes the content of Redis to a file that only its owner may read', async () => {
    const file = join(folder, 'today.rdb');
    const rules: Rule[] = [{ call: 'redis-cli --rdb', stdout: 'REDIS0012…' }, ...cluster];
    const { code, stdout } = await shell.run('backup.sh', ['save', file], rules);
    expect(await readFile(file, 'utf8')).toBe('REDIS0012…');
    expect((await stat(file)).mode & 0o077).toBe(0);
    expect(stdout).toBe(`saved: ${file}, 12 bytes\n`);
    expect(code).toBe(0);
  });

  it.each([
    ['Redis cannot be reached', { call: 'redis-cli --rdb', exit: 1 }],
    ['something else comes', { call: 'redis-cli --rdb', stdout: 'ERR unknown command' }],
  ])('keeps the earlier file when %s', async (_fault, rule) => {
    const file = join(folder, 'last.rdb');
    await writeFile(file, 'REDIS yesterday');
    const { code } = await shell.run('backup.sh', ['save', file], [rule, ...cluster]);
    expect(await readFile(file, 'utf8')).toBe('REDIS yesterday');
    expect(code).toBe(2);
  });
});

it.each(['missing/today.rdb', '.'])(
  'backup.sh save says in one line that it cannot write %s',
  async (name) => {
    const file = join(folder, name);
    const { code, stderr, calls } = await shell.run('backup.sh', ['save', file], cluster);
    expect(stderr).toBe(`error: ${file} cannot be written\n`);
    expect(calls.filter((call) => call.includes(' exec '))).toEqual([]);
    expect(code).toBe(2);
  },
);

describe('backup.sh restore', () => {
  const deeds = (calls: string[]): string[] =>
    calls
      .filter((call) => !/ (get|version)\b/.test(call))
      .map((call) => call.replace(/ -- [\s\S]*/, ' -- …').replace(/filename \S+\//, 'filename '));
  const start = [
    `${ns} delete pod redis-restore --ignore-not-found --timeout=300s`,
    `${ns} scale statefulset redis --replicas=1`,
  ];

  it('stops Redis, puts the file on its volume and starts it again', async () => {
    const file = join(folder, 'today.rdb');
    await writeFile(file, 'REDIS0012…');
    const { code, stdout, calls } = await shell.run('backup.sh', ['restore', file], cluster);
    expect(deeds(calls)).toEqual([
      `${ns} scale statefulset redis --replicas=0`,
      `${ns} wait --for=delete pod/redis-0 --timeout=300s`,
      `${ns} apply --filename redis-restore.pod.yaml`,
      `${ns} wait --for=condition=Ready pod/redis-restore --timeout=300s`,
      `${ns} exec redis-restore --stdin -- …`,
      ...start,
      `${ns} rollout status statefulset/redis --timeout=300s`,
    ]);
    expect(stdout).toContain(`restored: ${file}\n`);
    expect(code).toBe(0);
  });

  it.each([
    ['if the backup cannot be copied', []],
    ['if the pod that copies cannot be removed either', [{ call: 'delete pod', exit: 1 }]],
  ])('starts Redis again %s', async (_fault, more) => {
    const file = join(folder, 'today.rdb');
    await writeFile(file, 'REDIS0012…');
    const rules = [{ call: 'exec redis-restore', exit: 1 }, ...more, ...cluster];
    const { code, calls } = await shell.run('backup.sh', ['restore', file], rules);
    expect(deeds(calls).slice(-2)).toEqual(start);
    expect(code).toBe(2);
  });

  it.each<[fault: string, text: string | null, rules: Rule[]]>([
    ['the file is missing', null, cluster],
    ['the file is no backup', 'PNG', cluster],
    ['Redis has no volume', 'REDIS0012…', present('namespace tessera', 'statefulset redis')],
    ['there is no Redis', 'REDIS0012…', present('namespace tessera')],
  ])('changes nothing if %s', async (_fault, text, rules) => {
    const file = join(folder, 'today.rdb');
    if (text !== null) await writeFile(file, text);
    const { code, calls } = await shell.run('backup.sh', ['restore', file], rules);
    expect(deeds(calls)).toEqual([]);
    expect(code).toBe(2);
  });
});

it.each([[[]], [['save']], [['keep', 'x']], [['save', 'a', 'b']]])('refuses %j', async (args) => {
  const { code, calls } = await shell.run('backup.sh', args, cluster);
  expect({ code, calls }).toEqual({ code: 2, calls: [] });
});

/** Runs the step as in the pod, with `input` on standard input. */
function putBackup(into: string, input: Buffer): Promise<number> {
  return new Promise((resolve) => {
    const path = join(root, 'scripts/lib/put-backup.sh');
    const child = execFile('sh', [path, into], (error) => resolve(error ? Number(error.code) : 0));
    child.stdin?.end(input);
  });
}

describe('the step in the pod', () => {
  it('makes Redis start from the backup, and keep later writes', async () => {
    const source = await RedisServer.start();
    const redis = source.connect();
    await redis.zadd('image:images', 1, 'a', 2, 'b');
    execFileSync('redis-cli', ['-p', String(source.port), '--rdb', join(folder, 'backup.rdb')], {
      stdio: 'ignore',
    });
    redis.disconnect();
    await source.stop();

    expect(await putBackup(folder, await readFile(join(folder, 'backup.rdb')))).toBe(0);
    const settings = { dir: folder, appendonly: 'yes' };
    for (const written of ['first', 'second']) {
      const server = await RedisServer.start({ settings });
      const restored = server.connect();
      expect(await restored.zrange('image:images', '0', '-1')).toEqual(['a', 'b']);
      expect(await restored.get('written')).toBe(written === 'first' ? null : 'first');
      await restored.set('written', written);
      restored.disconnect();
      await server.stop();
    }
  });

  it('changes nothing if the backup is damaged', async () => {
    await mkdir(join(folder, 'appendonlydir'));
    await writeFile(join(folder, 'appendonlydir/appendonly.aof.manifest'), 'of yesterday');
    expect(await putBackup(folder, Buffer.from('REDIS0012 cut off'))).not.toBe(0);
    const manifest = await readFile(join(folder, 'appendonlydir/appendonly.aof.manifest'), 'utf8');
    expect(manifest).toBe('of yesterday');
  });
});
