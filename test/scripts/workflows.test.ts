import { execFile } from 'node:child_process';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { root } from '../manifests/overlays.ts';

const folder = join(root, '.github/workflows');

/** Returns the shell commands of all steps of a workflow. */
async function commandsOf(file: string): Promise<string[]> {
  const { jobs } = parse(await readFile(join(folder, file), 'utf8')) as {
    jobs: Record<string, { steps: { run?: string }[] }>;
  };
  return Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
}

describe.each(await readdir(folder))('%s', (file) => {
  it('contains commands that bash can parse, of scripts that exist', async () => {
    const commands = await commandsOf(file);
    expect(commands.length).toBeGreaterThan(2);
    for (const command of commands) {
      await promisify(execFile)('bash', ['-n', '-c', command]);
      for (const [path] of command.matchAll(/\bscripts\/[\w.-]+/g)) await access(join(root, path));
    }
  });
});

it('e2e.yml makes a cluster, deploys, sends images, kills the workers and cleans up', async () => {
  const commands = (await commandsOf('e2e.yml')).join('\n');
  const scripts = [...commands.matchAll(/scripts\/(\w+)\.sh/g)].map(([, name]) => name);
  expect([...new Set(scripts)]).toEqual(['cluster', 'deploy', 'run', 'chaos', 'status', 'logs', 'clean']);
});
