import { describe, expect, it } from 'vitest';
import { objectNaming } from './object-names.ts';

const named = (inputPath: string, outputPath: string, store: 'file' | 's3' = 's3') => {
  const nameOf = objectNaming({ store, inputPath, outputPath });
  return (key: string, bucket = 'pics') => {
    const answer = nameOf?.(bucket, key);
    return answer && ('name' in answer ? answer.name : answer.fault);
  };
};

describe('an object of a bucket', () => {
  const inPrefix = named('s3://pics/in', 's3://pics/out');
  it('has its key without the prefix as its name', () => expect(inPrefix('in/a/b.png')).toBe('a/b.png'));
  it('in another bucket is no input', () =>
    expect(inPrefix('in/a.png', 'other')).toBe('is in the bucket "other"'));
  it('elsewhere in the bucket is no input', () => {
    expect(inPrefix('out/a.png')).toBe('is not under INPUT_PATH');
    expect(inPrefix('inner/a.png')).toBe('is not under INPUT_PATH');
  });
  it('that is a folder is no input', () => {
    for (const key of ['in/', 'in/a/']) expect(inPrefix(key)).toBe('is a folder');
  });
  it('with a name that no image may have is no input', () => {
    expect(inPrefix('in/../a.png')).toMatch(/begins with a dot/);
    expect(inPrefix('in//a.png')).toMatch(/is empty/);
  });
  it('under the output prefix inside the input is no input', () => {
    const nested = named('s3://pics', 's3://pics/results');
    expect(nested('results/a.png')).toBe('is under OUTPUT_PATH');
    expect(nested('resultsets/a.png')).toBe('resultsets/a.png');
  });
  it('is an input by its name if both prefixes are the same', () => {
    expect(named('s3://pics/in', 's3://pics/in')('in/a_blurred.png')).toBe('a_blurred.png');
  });
  it('whose accents are stored in two ways is no input', () =>
    expect(inPrefix('in/\u00fcu\u0308.png')).toBe('has accents that are stored in two ways'));
  it('of an event that names no bucket is no input', () =>
    expect(inPrefix('in/a.png', '')).toBe('has no bucket in the event'));
  it('has a composed name', () => expect(inPrefix('in/u\u0308.png')).toBe('\u00fc.png'));
});

describe('a file of a folder that stands for a bucket', () => {
  it('has its key as its name, whatever the bucket is called', () => {
    expect(named('/data/in', '/data/out', 'file')('a/b.png', 'any')).toBe('a/b.png');
  });
  it('in the output folder inside the input is no input', () => {
    expect(named('/data', '/data/out', 'file')('out/a.png')).toBe('is under OUTPUT_PATH');
    expect(named('/data', '/data', 'file')('out/a.png')).toBe('out/a.png');
  });
});

it('with STORE=redis there are no objects', () => {
  expect(objectNaming({ store: 'redis', inputPath: 'in', outputPath: 'out' })).toBeNull();
});
