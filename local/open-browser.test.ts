import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { until } from '../functions/testing/until.ts';
import { openBrowser, openCommand } from './open-browser.ts';

const url = 'http://127.0.0.1:8080';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-open-'));
  vi.stubEnv('PATH', folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

it.each<[NodeJS.Platform, string[]]>([
  ['linux', ['xdg-open', url]],
  ['freebsd', ['xdg-open', url]],
  ['darwin', ['open', url]],
  ['win32', ['cmd', '/c', 'start', '""', url]],
])('knows the command of %s', (platform, command) => expect(openCommand(platform, url)).toEqual(command));

it('gives the address to the command', async () => {
  await writeFile(join(folder, 'xdg-open'), `#!/bin/sh\necho "$1" >${folder}/opened\n`);
  await chmod(join(folder, 'xdg-open'), 0o755);
  expect(await openBrowser(url, 'linux')).toBe(true);
  const opened = async () => readFile(join(folder, 'opened'), 'utf8').catch(() => '');
  expect(await until('the address', opened)).toBe(`${url}\n`);
});

it('says so if there is no such command', async () => {
  expect(await openBrowser(url, 'linux')).toBe(false);
});
