import { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeTerminal } from '../functions/testing/terminal.ts';
import { columnsOf } from './columns.ts';
import type { ImageResult } from './image-result.ts';
import { Progress } from './progress.ts';

const scaler = { queue: 12, leases: 4, delayed: 0, outbox: 0, desired: 4, running: 4 };

function result(at: number, parts: Partial<ImageResult> = {}): ImageResult {
  const name = `DSC_${String(at).padStart(4, '0')}`;
  return {
    id: String(at),
    input: `photos/${name}.jpg`,
    name: `${name}.jpg`,
    width: 6000,
    height: 4000,
    tiles: 384,
    done: 384,
    state: 'done',
    ms: 1052,
    output: `blurred/${name}_blurred.png`,
    error: null,
    ...parts,
  };
}

const refused = { output: null, state: 'refused', error: 'no image' };
const news = (name: string, done: number) => ({ name, tiles: 384, done, state: 'blurring' });

/** Returns what is on the terminal. Runs its timers first. */
async function seen(terminal: FakeTerminal): Promise<string[]> {
  const lines = terminal.lines();
  await vi.advanceTimersByTimeAsync(1);
  return lines;
}

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

beforeEach(() => {
  // Whatever terminal the tests themselves run on.
  const plain = { TERM: 'xterm-256color', CI: undefined, FORCE_COLOR: undefined, NO_COLOR: undefined };
  for (const [name, value] of Object.entries(plain)) vi.stubEnv(name, value);
});
afterEach(() => void vi.unstubAllEnvs());

describe('on a terminal', () => {
  it('shows the images in progress and one line for all, and above them each finished image once', async () => {
    const terminal = new FakeTerminal(100, 30);
    const progress = new Progress(terminal.stream, 3);
    progress.scaler(scaler);
    progress.image(0, news('a.png', 192));
    progress.image(1, { name: 'b.png', tiles: 0, done: 0, state: 'splitting' });
    vi.advanceTimersByTime(100);
    expect(await seen(terminal)).toEqual([
      expect.stringMatching(/^a\.png +\[=+ +\] +192\/384 blurring$/),
      expect.stringMatching(/^b\.png +\[ +\] +splitting$/),
      '0/3 images · ETA 0:01 · queue 12 · in flight 4 · workers 4',
    ]);
    progress.finished(0, result(0));
    progress.finished(1, result(1, refused));
    vi.advanceTimersByTime(1000);
    expect(await seen(terminal)).toEqual([
      '✓ photos/DSC_0000.jpg → blurred/DSC_0000_blurred.png  6000x4000  384 tiles  1052 ms',
      '✗ photos/DSC_0001.jpg  refused: no image',
      expect.stringMatching(
        /^2\/3 images · 1\d\d\.\d Mpx\/s · ETA 0:01 · queue 12 · in flight 4 · workers 4$/,
      ),
    ]);
    progress.close();
    expect(await seen(terminal)).toHaveLength(2);
  });

  it('shows the messages of a function above the redrawn lines, never below', async () => {
    const terminal = new FakeTerminal(100, 30);
    const progress = new Progress(terminal.stream, 1);
    progress.image(0, news('a.png', 1));
    vi.advanceTimersByTime(100);
    progress.log('{"severity":"error"}');
    vi.advanceTimersByTime(100);
    const lines = await seen(terminal);
    expect(lines[0]).toBe('{"severity":"error"}');
    expect(lines).toHaveLength(3);
  });

  it.each([50, 35, 200])('keeps every line within %i columns, whatever the name', async (columns) => {
    const terminal = new FakeTerminal(columns, 30);
    const progress = new Progress(terminal.stream, 1000);
    progress.scaler({ ...scaler, queue: 123_456, delayed: 1234 });
    progress.image(0, news('照片'.repeat(40), 192));
    progress.image(1, { name: 'b.png', tiles: 20_000, done: 19_999, state: 'assembling' });
    vi.advanceTimersByTime(100);
    const lines = await seen(terminal);
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(columnsOf(line)).toBeLessThan(columns);
  });

  it('shows the end of paths that are too long, where they differ', async () => {
    const terminal = new FakeTerminal(50, 30);
    const progress = new Progress(terminal.stream, 2);
    const path = (at: number) =>
      `holiday/2026/a folder with a long name/a picture with a long name ${at}.png`;
    for (const at of [1, 2]) progress.image(at, news(path(at), 1));
    vi.advanceTimersByTime(100);
    const [first, second] = await seen(terminal);
    expect(first).toMatch(/^…[^…]*name 1\.png \[/);
    expect(second).toMatch(/^…[^…]*name 2\.png \[/);
  });

  it('leaves three lines of the terminal for finished images', async () => {
    const terminal = new FakeTerminal(80, 8);
    const progress = new Progress(terminal.stream, 50);
    for (let at = 0; at < 50; at++) progress.image(at, news(`${at}.png`, 1));
    vi.advanceTimersByTime(100);
    expect(await seen(terminal)).toHaveLength(5);
    expect((await seen(terminal)).at(-1)).toMatch(/^0\/50 images/);
  });

  it('leaves no parts of old lines when the terminal becomes narrower', async () => {
    const terminal = new FakeTerminal(100, 30);
    const progress = new Progress(terminal.stream, 2);
    progress.finished(0, result(0));
    progress.image(1, news('b.png', 100));
    progress.scaler(scaler);
    vi.advanceTimersByTime(100);
    terminal.resize(50);
    expect((await seen(terminal)).slice(-2)).toEqual([
      expect.stringMatching(/^b\.png +\[=+ +\] +100\/384 blurring$/),
      expect.stringMatching(/^1\/2 images/),
    ]);
    expect((await seen(terminal)).filter((line) => line.startsWith('b.png'))).toHaveLength(1);
    expect((await seen(terminal)).filter((line) => line.includes('images'))).toHaveLength(1);
  });

  it.each([20, 200, 2000])('writes less than 300 kB for 1000 photos in %i s', async (seconds) => {
    const terminal = new FakeTerminal(200, 50);
    const progress = new Progress(terminal.stream, 1000);
    const stepsMs = 50;
    const steps = (seconds * 1000) / stepsMs;
    let finished = 0;
    for (let step = 0; step < steps; step++) {
      progress.scaler({ ...scaler, queue: step % 300 });
      for (const slot of [0, 1])
        progress.image(finished + slot, news(`photos/DSC_${finished + slot}.jpg`, step % 384));
      while (finished < (1000 * (step + 1)) / steps) progress.finished(finished, result(finished++));
      vi.advanceTimersByTime(stepsMs);
    }
    progress.close();
    expect(finished).toBe(1000);
    expect(Buffer.byteLength(terminal.written)).toBeLessThan(300_000);
    expect((await seen(terminal)).filter((line) => line.startsWith('✓'))).toHaveLength(1000);
  });

  it('draws ten times a second at most', async () => {
    const terminal = new FakeTerminal(100, 30);
    const progress = new Progress(terminal.stream, 1);
    for (let step = 0; step < 100; step++) {
      progress.image(0, news('a.png', step));
      vi.advanceTimersByTime(10);
    }
    const draws = terminal.written.split('/384 blurring').length - 1;
    expect(draws).toBeLessThanOrEqual(11);
    expect(draws).toBeGreaterThanOrEqual(8);
  });
});

describe('colours', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['are there on a terminal that has them', {}, true],
    ['are left out with NO_COLOR', { NO_COLOR: '1' }, false],
    ['are left out with FORCE_COLOR=0', { FORCE_COLOR: '0' }, false],
  ])('%s', (_what, env, isColoured) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const terminal = new FakeTerminal(100, 30);
    const progress = new Progress(terminal.stream, 1);
    progress.finished(0, result(0));
    progress.close();
    const [line] = terminal.written.split('\n');
    expect(line !== stripVTControlCharacters(line)).toBe(isColoured);
  });
});

describe('where there is no terminal', () => {
  it('prints one plain line for each image, and the messages of functions', async () => {
    let written = '';
    const file = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        written += chunk.toString();
        done();
      },
    });
    const progress = new Progress(file as unknown as WriteStream, 2);
    progress.image(0, news('a.png', 1));
    progress.scaler(scaler);
    progress.log('said');
    progress.finished(0, result(0));
    progress.finished(1, result(1, refused));
    vi.advanceTimersByTime(1000);
    progress.close();
    expect(written).toBe(
      [
        'said',
        '  photos/DSC_0000.jpg → blurred/DSC_0000_blurred.png  6000x4000  384 tiles  1052 ms',
        '  photos/DSC_0001.jpg  refused: no image',
        '',
      ].join('\n'),
    );
  });
});
