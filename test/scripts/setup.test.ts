// What the set-up prints on a new machine. npm and the package manager are fakes.
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isNodeNewEnough } from '../../scripts/lib/node-version.mjs';

const root = join(import.meta.dirname, '../..');

let clone: string;
let bin: string;

beforeEach(async () => {
  clone = await mkdtemp(join(tmpdir(), 'tessera-setup-'));
  bin = join(clone, 'bin');
  await mkdir(bin);
  for (const path of [
    'package.json',
    'package-lock.json',
    'scripts/setup.mjs',
    'scripts/tessera.mjs',
    'scripts/lib',
  ])
    await cp(join(root, path), join(clone, path), { recursive: true });
});
afterEach(() => rm(clone, { recursive: true }));

async function standIn(command: string, script: string): Promise<void> {
  await writeFile(join(bin, command), `#!/bin/sh\n${script}\n`);
  await chmod(join(bin, command), 0o755);
}

const installPackages = () =>
  standIn('npm', '/bin/mkdir -p node_modules && /bin/cp package-lock.json node_modules/.package-lock.json');
const installRedis = (version: string) => standIn('redis-server', `echo 'Redis server v=${version} sha=0'`);

interface Said {
  status: number;
  said: string;
}

const setUp = (...args: string[]) => run([join(clone, 'scripts/setup.mjs'), ...args]);

/** Runs Node on the new machine. */
async function run(args: string[]): Promise<Said> {
  return new Promise((resolve) => {
    const options = { env: { PATH: bin, HOME: clone } };
    execFile(process.execPath, args, options, (error, stdout, stderr) =>
      resolve({ status: error ? Number(error.code) : 0, said: stdout + stderr }),
    );
  });
}

describe('the set-up', () => {
  it('installs the packages in one line, and says nothing the second time', async () => {
    await installPackages();
    await installRedis('7.0.15');
    expect(await setUp()).toEqual({ status: 0, said: 'Installing the npm packages\n' });
    expect(await setUp()).toEqual({ status: 0, said: '' });
  });

  it.each(['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT'])(
    'says in one sentence that the registry is out of reach: %s',
    async (code) => {
      await standIn('npm', `echo 'npm error code ${code}' >&2; echo 'npm error a stack' >&2; exit 1`);
      expect(await setUp()).toEqual({
        status: 1,
        said: expect.stringMatching(
          new RegExp(
            `^Installing the npm packages\nThe npm registry cannot be reached \\(${code}\\): check [^\n]+\n$`,
          ),
        ) as string,
      });
    },
  );

  it.each([
    ['ends soon, without trying each package,', 'exit 1', 1, /reached \(ENOTFOUND\): [^\n]+\n$/],
    [
      "takes the packages from npm's cache",
      '/bin/mkdir -p node_modules && /bin/cp package-lock.json node_modules/.package-lock.json',
      0,
      /^Installing the npm packages\n$/,
    ],
  ])('%s where there is no registry', async (_what, offline, status, said) => {
    await installRedis('7.0.15');
    const ping = `echo 'npm error code ENOTFOUND' >&2; exit 1`;
    await standIn(
      'npm',
      `case "$*" in\n ping*) ${ping} ;;\n *--offline*) ${offline} ;;\n *) exit 9 ;;\nesac`,
    );
    expect(await setUp()).toEqual({ status, said: expect.stringMatching(said) as string });
  });

  it('shows the beginning of the output of npm for any other error, below the sentence', async () => {
    await standIn(
      'npm',
      `echo 'npm error code EUSAGE' >&2; printf 'npm error %s\\n' 1 2 3 4 5 6 7 8 9 >&2; exit 1`,
    );
    const { status, said } = await setUp();
    expect(said).toContain('The npm packages could not be installed:\nnpm error code EUSAGE\nnpm error 1\n');
    expect(said).toMatch(/npm error 7\n\(npm ci shows the rest\)\n$/);
    expect(status).toBe(1);
  });

  it('says that npm itself is missing', async () => {
    expect((await setUp()).said).toContain('npm is not installed');
  });

  it('installs Redis with the package manager of the system', async () => {
    await installPackages();
    await installRedis('7.0.15');
    await rm(join(bin, 'redis-server'));
    await standIn('sudo', 'shift; exec "$@"');
    await standIn(
      'apt-get',
      `[ "$1" != install ] || { echo "#!/bin/sh\necho v=7.2.0" >${bin}/redis-server; /bin/chmod 755 ${bin}/redis-server; }`,
    );
    const { status, said } = await setUp();
    expect(said).toContain('Installing redis-server with apt-get\n');
    expect(status).toBe(0);
  });

  it.each([
    ['apt-get', /apt-get install redis-server\n$/],
    ['pacman', /pacman -S valkey\n$/],
    ['zypper', /zypper install valkey\n$/],
    ['brew', /: brew install redis\n$/],
    ['', /(package manager; https:\/\/redis\.io|Homebrew)/],
  ])('says what to do where %j cannot install it', async (manager, advice) => {
    await installPackages();
    if (manager !== '') await standIn(manager, 'exit 1');
    const { status, said } = await setUp();
    expect(said).toMatch(/\nMissing, and could not be installed here: Redis 7 or later, or Valkey\. /);
    expect(said).toMatch(advice);
    expect(status).toBe(1);
  });

  it('does not accept a Redis that is too old', async () => {
    await installPackages();
    await installRedis('6.0.16');
    expect((await setUp()).said).toContain(
      'Missing, and could not be installed here: Redis 7 or later, or Valkey.',
    );
  });

  it('requires the tools of the tests only for the tests', async () => {
    await installPackages();
    await installRedis('8.0.0');
    expect((await setUp()).status).toBe(0);
    expect((await setUp('--test')).said).toContain('here: curl; jq; openssl.');
  });

  it('does without Redis where a command needs none', async () => {
    await installPackages();
    expect(await setUp('--without-redis')).toEqual({ status: 0, said: 'Installing the npm packages\n' });
  });
});

it('comes before every command in package.json that a new clone may be asked for', async () => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const commands = Object.keys(scripts).filter((name) =>
    /^(exec )?(\w+=\S+ )?(node|vitest) /.test(scripts[name]),
  );
  const unprepared = commands.filter((name) => !/setup\.mjs/.test(scripts[`pre${name}`] ?? scripts[name]));
  // Those are for a release, which begins with the tests.
  expect(unprepared).toEqual(['build:package', 'preversion', 'version']);
});

describe('a Node', () => {
  it('that is new enough passes', () => expect(isNodeNewEnough(20, 11)).toBe(true));

  it.each(['setup.mjs', 'tessera.mjs'])('that is older than 20.11 is refused by %s', async (script) => {
    const older = 'Object.defineProperty(process.versions, "node", { value: "20.10.0" })';
    const args = [
      '--import',
      `data:text/javascript,${encodeURIComponent(older)}`,
      join(clone, 'scripts', script),
    ];
    const { status, said } = await run(args);
    expect(said).toBe('Tessera needs Node 20.11 or later; this is Node 20.10.0.\n');
    expect(status).toBe(1);
  });

  it('that is too old is reported, and nothing else happens', () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { exitCode } = process;
    expect(isNodeNewEnough(99, 1)).toBe(false);
    expect(error.mock.calls).toEqual([
      [`Tessera needs Node 99.1 or later; this is Node ${process.versions.node}.`],
    ]);
    expect(process.exitCode).toBe(1);
    process.exitCode = exitCode;
    error.mockRestore();
  });
});
