import { describe, expect, test } from 'vitest';
import { readOrientation } from './exif.ts';

/** The content of an APP1 segment with one entry of that tag, type and value. */
function exif({ isLittleEndian = false, tag = 0x0112, type = 3, value = 6, offset = 8 } = {}): Buffer {
  const view = new DataView(new ArrayBuffer(offset + 2 + 12 + 4));
  view.setUint16(0, isLittleEndian ? 0x4949 : 0x4d4d);
  view.setUint16(2, 42, isLittleEndian);
  view.setUint32(4, offset, isLittleEndian);
  view.setUint16(offset, 1, isLittleEndian);
  view.setUint16(offset + 2, tag, isLittleEndian);
  view.setUint16(offset + 4, type, isLittleEndian);
  view.setUint32(offset + 6, 1, isLittleEndian);
  view.setUint16(offset + 10, value, isLittleEndian);
  return Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), Buffer.from(view.buffer)]);
}

describe('readOrientation', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('reads %i in both byte orders', (value) => {
    expect(readOrientation(exif({ value }))).toBe(value);
    expect(readOrientation(exif({ value, isLittleEndian: true }))).toBe(value);
  });

  test('finds the directory where the header says it is', () => {
    expect(readOrientation(exif({ offset: 100 }))).toBe(6);
  });

  test.each([
    ['another tag', exif({ tag: 0x0100 })],
    ['another type', exif({ type: 4 })],
    ['orientation 0', exif({ value: 0 })],
    ['orientation 9', exif({ value: 9 })],
    ['other notes', Buffer.from('http://ns.adobe.com/xap/1.0/\0<x/>')],
    ['nothing', Buffer.alloc(0)],
  ])('says nothing of %s', (_, segment) => {
    expect(readOrientation(segment)).toBeUndefined();
  });

  test('says nothing, and reads nothing beyond, where it is damaged or cut off', () => {
    const whole = exif();
    for (let length = 0; length < whole.length - 4; length++) {
      expect(readOrientation(whole.subarray(0, length))).toBeUndefined();
    }
    for (let i = 0; i < whole.length; i++) {
      const damaged = Buffer.from(whole);
      damaged[i] ^= 0xff;
      expect([undefined, 6]).toContain(readOrientation(damaged));
    }
  });
});
