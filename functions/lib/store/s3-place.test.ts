import { describe, expect, it } from 'vitest';
import { isWithin, parseS3Place } from './s3-place.ts';

describe('a place in a bucket', () => {
  it.each([
    ['s3://pictures', 'pictures', ''],
    ['s3://pictures/', 'pictures', ''],
    ['s3://my.pictures-2/in', 'my.pictures-2', 'in/'],
    ['s3://pictures/in/', 'pictures', 'in/'],
    ['s3://pictures/a/été', 'pictures', 'a/été/'],
  ])('is read from %j', (text, bucket, prefix) => {
    expect(parseS3Place(text)).toEqual({ bucket, prefix });
  });

  it.each([
    '',
    'input',
    '/data/input',
    'https://pictures/in',
    's3:pictures',
    's3://',
    's3:///in',
    's3://x',
    's3://pic tures',
    's3://pictures//in',
    's3://pictures/../in',
    's3://pictures/.in',
    's3://pictures/a\nb',
  ])('is not read from %j', (text) => {
    expect(() => parseS3Place(text)).toThrow('s3://BUCKET');
  });

  it.each([
    ['s3://a-bucket/in', 's3://a-bucket', true],
    ['s3://a-bucket/in/deep', 's3://a-bucket/in', true],
    ['s3://a-bucket/in', 's3://a-bucket/in', true],
    ['s3://a-bucket/input', 's3://a-bucket/in', false],
    ['s3://a-bucket', 's3://a-bucket/in', false],
    ['s3://a-bucket/in', 's3://b-bucket', false],
  ])('%s is within %s: %s', (place, other, is) => {
    expect(isWithin(parseS3Place(place), parseS3Place(other))).toBe(is);
  });
});
