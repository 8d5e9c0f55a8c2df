// `npm run traces` beside a run: one trace, printed from its request to its result.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';

const root = join(import.meta.dirname, '../..');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-traces-'));
  await writeFile(join(folder, 'a.png'), await toPng(picture(100, 60), 3));
});
afterAll(() => rm(folder, { recursive: true }));

it('prints the trace of each image of a run', async () => {
  const collector = spawn(process.execPath, [join(root, 'scripts/traces.ts'), '--port', '0']);
  let printed = '';
  collector.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  try {
    const [, url = ''] = await until('its address', () => /at (http\S+)/.exec(printed));
    const args = ['-o', join(folder, 'out'), '--tile', '64', join(folder, 'a.png')];
    const run = spawn(process.execPath, [join(root, 'scripts/start.mjs'), ...args], {
      env: { PATH: process.env.PATH, OTEL_EXPORTER_OTLP_ENDPOINT: url },
    });
    expect(await once(run, 'exit')).toEqual([0, null]);
    collector.kill('SIGINT');
    expect(await once(collector, 'exit')).toEqual([0, null]);
  } finally {
    collector.kill('SIGKILL');
  }
  expect(printed.match(/^trace [0-9a-f]{32}$/gm)).toHaveLength(1);
  const spans = printed.split('\n').filter((line) => line.includes(' ms '));
  const namesOf = (line: string) => /ms +(\w+) \d+ +(.+?)(?: {2}|$)/.exec(line)?.slice(1).join(': ') ?? '';
  expect(namesOf(spans[0])).toBe('split: POST /');
  expect(spans.map(namesOf).sort()).toEqual([
    'assemble: POST /',
    'assemble: write result',
    'blur: announce image',
    'blur: blur tile',
    'blur: blur tile',
    'split: POST /',
    'split: split',
  ]);
});
