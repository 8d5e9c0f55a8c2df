import { describe, expect, it } from 'vitest';
import { locationsOf } from './locations.ts';

describe('the location of an image', () => {
  it('is the URL of a file', () => {
    const { input, output } = locationsOf({ store: 'file', inputPath: '/data/in', outputPath: '/data/out' });
    expect(input('a/b c.png')).toBe('file:///data/in/a/b%20c.png');
    expect(output('ü?.png')).toBe('file:///data/out/%C3%BC%3F.png');
  });

  it('is the URL of an object, with the prefix', () => {
    const paths = { inputPath: 's3://pictures/in', outputPath: 's3://results' };
    const { input, output } = locationsOf({ store: 's3', ...paths });
    expect(input('a/b c.png')).toBe('s3://pictures/in/a/b%20c.png');
    expect(output('ann/ü#.png')).toBe('s3://results/ann/%C3%BC%23.png');
  });

  it('is not there if only split can send it', () => {
    const { input, output } = locationsOf({ store: 'redis', inputPath: 'in', outputPath: 'out' });
    expect([input('a.png'), output('a.png')]).toEqual([null, null]);
  });
});
