import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../testing/until.ts';
import { ImageWatch } from './image-watch.ts';

const LONG_MS = 600_000;
const forever = new AbortController().signal;

let looks: Record<string, string>;
let looked: string[][];
let reads: string[];
let fault: Error | null;
let stopping: AbortController;
let watch: ImageWatch<string>;

beforeEach(() => {
  looks = { a: 'blurring 1', b: 'blurring 0' };
  looked = [];
  reads = [];
  fault = null;
  stopping = new AbortController();
  watch = new ImageWatch({
    look: async (ids) => {
      looked.push(ids);
      if (fault) throw fault;
      return ids.map((id) => looks[id]);
    },
    read: async (id) => {
      reads.push(id);
      return `${id} is ${looks[id]}`;
    },
    stopping: stopping.signal,
  });
});
afterEach(() => stopping.abort());

describe('waiting for an image', () => {
  test('ends when it looks different than the caller has seen it', async () => {
    const answer = watch.next('a', 'blurring 1', LONG_MS, forever);
    await until('a few looks', () => looked.length > 2);
    expect(reads).toEqual([]);
    looks.a = 'done 2';
    expect(await answer).toBe('a is done 2');
  });

  test('ends at the first look if it has changed before', async () => {
    expect(await watch.next('a', 'blurring 0', LONG_MS, forever)).toBe('a is blurring 1');
  });

  test('ends after its time', async () => {
    expect(await watch.next('a', 'blurring 1', 5, forever)).toBe('a is blurring 1');
  });

  test('ends at once when the caller goes, without a read', async () => {
    const leaving = new AbortController();
    const answer = watch.next('a', 'blurring 1', LONG_MS, leaving.signal);
    leaving.abort();
    expect(await answer).toBeNull();
    expect(await watch.next('a', 'blurring 1', LONG_MS, leaving.signal)).toBeNull();
    expect(reads).toEqual([]);
  });

  test('ends at once for everyone when the process stops, with the present state', async () => {
    const answers = ['a', 'a', 'b'].map((id) => watch.next(id, looks[id], LONG_MS, forever));
    stopping.abort();
    expect(await Promise.all(answers)).toEqual(['a is blurring 1', 'a is blurring 1', 'b is blurring 0']);
    expect(await watch.next('a', 'blurring 1', LONG_MS, forever)).toBe('a is blurring 1');
  });

  test('fails for everyone when the images cannot be looked at, and works again afterwards', async () => {
    fault = new Error('no Redis');
    const answers = await Promise.allSettled(
      ['a', 'a', 'b'].map((id) => watch.next(id, looks[id], LONG_MS, forever)),
    );
    expect(answers.map((each) => each.status === 'rejected' && each.reason === fault)).toEqual([
      true,
      true,
      true,
    ]);
    fault = null;
    expect(await watch.next('b', 'splitting 0', LONG_MS, forever)).toBe('b is blurring 0');
  });
});

test('a thousand requests that wait for one image cost one check per step and one read', async () => {
  const answers = Array.from({ length: 1000 }, () => watch.next('a', 'blurring 1', LONG_MS, forever));
  const other = watch.next('b', 'blurring 0', LONG_MS, forever);
  await until('a look at both', () => looked.at(-1)?.length === 2);
  looks.a = 'done 2';
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['a is done 2']));
  expect(reads).toEqual(['a']);
  expect(looked.every((ids) => ids.length <= 2)).toBe(true);
  looks.b = 'done 1';
  expect(await other).toBe('b is done 1');
});

test('makes no checks while no request waits', async () => {
  await watch.next('a', 'blurring 0', LONG_MS, forever);
  const before = looked.length;
  await watch.next('b', 'blurring 0', 500, forever);
  expect(looked.slice(before).flat()).not.toContain('a');
});
