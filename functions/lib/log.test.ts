import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { about } from './error-subject.ts';
import { createLog, type LogLevel } from './log.ts';

let lines: string[];

beforeEach(() => {
  lines = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => lines.push(String(line)) > 0);
});
afterEach(() => vi.restoreAllMocks());

function logged(): Record<string, unknown> {
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^[\x20-\x7e]+\n$/);
  return JSON.parse(lines[0]) as Record<string, unknown>;
}

const log = (level: LogLevel = 'debug') => createLog('test', level);

describe('a log line', () => {
  it('contains the time, the message and the level', () => {
    log().warn('Something', { count: 3 });
    expect(logged()).toEqual({
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      severity: 'WARNING',
      component: 'test',
      message: 'Something',
      count: 3,
    });
  });

  it('is left out below the level', () => {
    log('error').warn('Something');
    log('silent').error('Something');
    expect(lines).toEqual([]);
  });

  it('shows an error with its causes, and the place of each', () => {
    const cause = new TypeError('no such thing');
    log().error('It failed', { error: new Error('it broke', { cause }) });
    const { error, stack } = logged();
    expect(error).toBe('Error: it broke (cause: TypeError: no such thing)');
    expect(stack).toMatch(
      /^Error: it broke\n {4}at .*log\.test\.ts.*\nCaused by TypeError: no such thing\n {4}at /s,
    );
  });

  it('shows no stack if nothing went wrong', () => {
    log().debug('As expected', { error: new Error('not there') });
    expect(logged()).not.toHaveProperty('stack');
  });

  it('shows what an error was about, however deep it was wrapped', async () => {
    const failing = () => Promise.reject(new Error('it broke'));
    const inner = await about({ imageId: 'abc' }, () => about({ tile: 7 }, failing)).catch(
      (error: unknown) => error,
    );
    log().error('It failed', { error: new Error('wrapped', { cause: inner }) });
    expect(logged()).toMatchObject({ imageId: 'abc', tile: 7 });
  });

  it('never shows other properties of an error, or bytes', () => {
    const bytes = Buffer.from('secret');
    const error = Object.assign(new Error('it broke'), { command: { name: 'set', args: ['key', bytes] } });
    log().error('It failed', { error, errors: [error], bytes, deep: { bytes } });
    expect(logged()).toMatchObject({
      errors: ['Error: it broke'],
      bytes: '6 bytes',
      deep: { bytes: '6 bytes' },
    });
    expect(lines[0]).not.toContain('secret');
    expect(lines[0]).not.toContain('115,101,99');
  });

  it('leaves out the arguments that Redis repeats', () => {
    const message = "ERR unknown command 'sett', with args beginning with: 'key' 'secret\npixels' ";
    log().error('It failed', { error: new Error('wrapped', { cause: new Error(message) }) });
    expect(logged()).toMatchObject({ error: expect.stringContaining("unknown command 'sett'") as string });
    expect(lines[0]).not.toContain('secret');
    expect(lines[0]).not.toContain('pixels');
  });

  it('shows each error of several attempts', () => {
    const attempts = ['::1', '127.0.0.1'].map((address) => new Error(`refused by ${address}`));
    log().info('It failed', { error: new AggregateError(attempts) });
    expect(logged().error).toBe('AggregateError: Error: refused by ::1; Error: refused by 127.0.0.1');
  });

  it('stays short whatever an error contains', () => {
    let error = new Error('x'.repeat(1_000_000));
    for (let depth = 0; depth < 20; depth++) error = new Error('y'.repeat(10_000), { cause: error });
    log().error('It failed', { error });
    expect(lines[0].length).toBeLessThan(40_000);
  });
});
