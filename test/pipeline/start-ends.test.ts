// However a run of `npm start` is ended, it leaves nothing behind: no process and no file.
import { afterAll, beforeAll, describe } from 'vitest';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { until } from '../../functions/testing/until.ts';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { isFull } from '../support/full.ts';
import { testInPlace, type LocalRun, type RunPlace } from '../support/local-run.ts';

const root = join(import.meta.dirname, '../..');
/** Enough work for any signal to come before its end. */
const SLOW = ['--kernel', '255', '--tile', '64', '--workers', '1'];

let large: string;

beforeAll(async () => {
  large = join(await mkdtemp(join(tmpdir(), 'tessera-large-')), 'large.png');
  await writeFile(large, await toPng(picture(1200, 1000), 3));
});
afterAll(() => rm(dirname(large), { recursive: true }));

/** A run that has workers with tiles in flight. The functions' environment has the path of `out`, by which they are found. */
async function inProgress(run: LocalRun): Promise<LocalRun> {
  await run.prints(/split: http/);
  await until('a worker', () => run.pidsOf('dist/blur').length > 0);
  return run;
}

const begin = {
  'a run': (place: RunPlace) => inProgress(place.start(large, '--out', place.at('out'), ...SLOW)),
  'npm start': (place: RunPlace) =>
    inProgress(place.run('npm', ['start', '--', large, '--out', place.at('out'), ...SLOW], {}, root)),
};
const signalGroup = (run: LocalRun, signal: NodeJS.Signals) => process.kill(-(run.child.pid ?? 0), signal);

/** Under npm there is more that can go wrong, so a run without it is only ended in every way where all is tried. */
const all = isFull ? (['a run', 'npm start'] as const) : (['npm start'] as const);

describe.concurrent.each(all)('%s', (what) => {
  testInPlace('ends after one Ctrl-C and says how many images are finished', async ({ place, expect }) => {
    const run = await begin[what](place);
    signalGroup(run, 'SIGINT');
    const { stdout } = await run.ended;
    expect(stdout).toContain('ended early: interrupted\n0 of 1 images written');
    await place.isClean('out');
  });

  testInPlace('ends after two Ctrl-C', async ({ place }) => {
    const run = await begin[what](place);
    signalGroup(run, 'SIGINT');
    signalGroup(run, 'SIGINT');
    await run.ended;
    await place.isClean('out');
  });

  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGHUP'] as const) {
    testInPlace(`leaves nothing after ${signal}`, async ({ place }) => {
      const run = await begin[what](place);
      run.child.kill(signal);
      await run.ended;
      await place.isClean('out');
    });
  }
});

describe.concurrent('nothing is left', () => {
  testInPlace('when the runner under npm is killed', async ({ place }) => {
    const run = await begin['npm start'](place);
    const [runner] = run.pidsOf('start.mjs');
    process.kill(runner, 'SIGKILL');
    await run.ended;
    await place.isClean('out');
  });

  testInPlace('when the terminal is closed', async ({ place }) => {
    const args = [join(root, 'scripts/start.mjs'), large, '--out', place.at('out'), ...SLOW];
    const command = [process.execPath, ...args].join(' ');
    const run = await inProgress(place.run('script', ['-qec', command, '/dev/null']));
    run.child.kill('SIGKILL');
    await run.ended;
    await place.isClean('out');
  });

  testInPlace('when nobody reads the output', async ({ place }) => {
    const names = ['a', 'b', 'c', 'd'].map((name) => place.at(`${name}.png`));
    for (const path of names) await writeFile(path, await toPng(picture(30, 20), 3));
    const run = await inProgress(place.start(large, ...names, '--out', place.at('out'), ...SLOW));
    run.child.stdout?.destroy();
    await run.ended;
    await place.isClean('out');
  });
});
