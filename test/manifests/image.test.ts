// There may be no container engine where the tests run. So the test runs the Dockerfile's COPY and RUN
// instructions in a folder, and starts each function from it as a cluster would: as a user that is not the
// owner, in a read-only tree.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisServer } from '../../local/redis-server.ts';
import { readDockerfile, readVersions, type Stage } from './image-file.ts';
import { renderVariant, root, variants } from './overlays.ts';
import { functionTemplate } from './shapes.ts';
import { freePort } from '../../local/free-port.ts';

const functions = ['split', 'blur', 'assemble'];
const run = promisify(execFile);
let folder: string;
let redis: RedisServer;

/** Runs the COPY and RUN instructions of the build stage, from the repository into `app`. */
async function build({ instructions }: Stage, app: string): Promise<void> {
  await mkdir(app);
  const args: Record<string, string> = {};
  for (const { name, text } of instructions) {
    if (name === 'ARG') {
      const [variable, value] = text.split('=');
      args[variable] = value;
    } else if (name === 'COPY') {
      const words = text.split(' ');
      const target = join(app, words.pop() ?? '');
      for (const source of words) {
        const into = words.length > 1 ? join(target, source) : target;
        await cp(join(root, source), into, { recursive: true });
      }
    } else if (name === 'RUN') {
      // Only npm commands are run on this machine.
      if (!/^npm [\w -]+$/.test(text)) throw new Error(`not run here: ${text}`);
      // This run's own Node comes first: with --ignore-scripts the package of that name installs none.
      const path = [dirname(process.execPath), process.env.PATH].join(delimiter);
      const env = { ...process.env, ...args, PATH: path, npm_config_prefer_offline: 'true' };
      const npm = (command: string) => run('sh', ['-c', command], { cwd: app, env, maxBuffer: 1 << 26 });
      if (text.startsWith('npm ci ') && !process.env.CI) {
        // Unpacking all packages once more would take most of this test's time. So npm only compares the files that it
        // would install from, and the packages are the installed ones.
        await npm(`${text} --dry-run`);
        await symlink(join(root, 'node_modules'), join(app, 'node_modules'));
      } else await npm(text);
    } else if (name !== 'WORKDIR') throw new Error(`not known to this test: ${name}`);
  }
}

/** Runs the last stage's COPY for one function, and removes all write permissions. */
async function assembleTree({ instructions }: Stage, app: string, name: string): Promise<string> {
  const tree = join(folder, name);
  const copies = instructions.filter((each) => each.name === 'COPY');
  expect(copies).toHaveLength(1);
  const [, from, to] = /^--from=build \/app\/(\S+) (\S+)$/.exec(copies[0].text) ?? [];
  expect(to).toBe('./');
  // oxlint-disable-next-line no-template-curly-in-string
  await cp(join(app, from.replace('${FUNCTION}', name)), tree, { recursive: true });
  await run('chmod', ['-R', 'a-w,a+rX', tree]);
  return tree;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-image-'));
  await chmod(folder, 0o755);
  redis = await RedisServer.start();
}, 60_000);

afterAll(async () => {
  await redis.stop();
  await run('chmod', ['-R', 'u+w', folder]);
  await rm(folder, { recursive: true });
});

/** Waits until `url` answers 200, for at most 20 s. */
async function waitForOk(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const status = await fetch(url).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) return;
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode} before ${url} answered`);
    if (Date.now() > deadline) throw new Error(`${url} answered ${status} to the end`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('the Dockerfile', () => {
  it('starts from the pinned Node, and ends as a user who is not root', async () => {
    const { args, stages } = await readDockerfile();
    const { NODE_IMAGE } = await readVersions();
    expect(args).toEqual({ NODE_IMAGE });
    expect(NODE_IMAGE).toMatch(/:\d+\.\d+\.\d+-/);
    expect(stages.map((each) => each.from)).toEqual(['${NODE_IMAGE}', '${NODE_IMAGE}']);
    const last = stages.at(-1)?.instructions ?? [];
    const user = last.find((each) => each.name === 'USER')?.text;
    const { securityContext } = functionTemplate(await renderVariant(variants[0]), 'split').spec
      .containers[0];
    expect(user).toBe(`${String(securityContext?.runAsUser)}:${String(securityContext?.runAsGroup)}`);
  });

  it('gets only the files that it copies', async () => {
    const { stages } = await readDockerfile();
    const allowed = (await readFile(join(root, '.dockerignore'), 'utf8'))
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = stages[0].instructions
      .filter((each) => each.name === 'COPY')
      .flatMap((each) => each.text.split(' ').slice(0, -1));
    expect(copied.sort()).toEqual(allowed.sort());
  });
});

describe('a function', () => {
  it.each(functions)('%s needs only its own code and lib', async (name) => {
    const tree = join(folder, `sources-${name}`);
    await cp(join(root, 'functions/lib'), join(tree, 'functions/lib'), { recursive: true });
    await cp(join(root, 'functions', name), join(tree, 'functions', name), { recursive: true });
    await symlink(join(root, 'node_modules'), join(tree, 'node_modules'));
    const bundle = await rolldown({
      cwd: tree,
      platform: 'node',
      input: join(tree, `functions/${name}/main.ts`),
      logLevel: 'silent',
    });
    const { output } = await bundle.generate({ format: 'esm' });
    await bundle.close();
    expect(output.length).toBeGreaterThan(0);
  });
});

describe('the image', () => {
  it('starts every function, unprivileged and in a read-only tree', { timeout: 300_000 }, async () => {
    const { stages } = await readDockerfile();
    const app = join(folder, 'app');
    await build(stages[0], app);
    const probes = functionTemplate(await renderVariant(variants[0]), 'split').spec.containers[0];
    const command = JSON.parse(
      stages[1].instructions.find((each) => each.name === 'CMD')?.text ?? '[]',
    ) as string[];
    expect(command[0]).toBe('node');
    for (const name of functions) {
      const tree = await assembleTree(stages[1], app, name);
      const files = ['main.js', ...(name === 'split' ? ['page.html'] : [])];
      expect(await readdir(tree)).toEqual(expect.arrayContaining(files));
      await expectToServe(tree, command.slice(1), [
        probes.livenessProbe?.httpGet?.path ?? '',
        probes.readinessProbe?.httpGet?.path ?? '',
      ]);
    }
  });
});

/** Starts `args` in `tree`, waits until every path answers 200, and stops it with SIGTERM: it must exit 0. */
async function expectToServe(tree: string, args: string[], paths: string[]): Promise<void> {
  const port = await freePort();
  const isRoot = process.getuid?.() === 0;
  const { uid } = await stat(tree);
  const child = spawn(process.execPath, args, {
    cwd: tree,
    env: {
      NODE_ENV: 'production',
      STORE: 'redis',
      REDIS_URL: redis.url,
      PORT: String(port),
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
    ...(isRoot && { uid: 65532, gid: 65532 }),
  });
  const ended = once(child, 'exit');
  try {
    expect(isRoot ? 65532 : uid).not.toBe(0);
    for (const path of paths) await waitForOk(`http://127.0.0.1:${port}${path}`, child);
  } finally {
    child.kill('SIGTERM');
  }
  expect(await ended).toEqual([0, null]);
}
