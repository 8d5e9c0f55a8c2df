import { describe, expect, test } from 'vitest';
import { readExif } from './exif.ts';

const types = { byte: 1, short: 3, long: 4, rational: 5, sbyte: 6, sshort: 8, slong: 9 };
type Entry = [tag: number, type: keyof typeof types, value: number | [number, number]];

/** A TIFF block with one directory of these entries. */
function tiff(entries: Entry[], { isLittleEndian = false, offset = 8 } = {}): Buffer {
  const end = offset + 2 + 12 * entries.length + 4;
  const view = new DataView(new ArrayBuffer(end + 8 * entries.length));
  view.setUint16(0, isLittleEndian ? 0x4949 : 0x4d4d);
  view.setUint16(2, 42, isLittleEndian);
  view.setUint32(4, offset, isLittleEndian);
  view.setUint16(offset, entries.length, isLittleEndian);
  for (const [i, [tag, type, value]] of entries.entries()) {
    const entry = offset + 2 + 12 * i;
    view.setUint16(entry, tag, isLittleEndian);
    view.setUint16(entry + 2, types[type], isLittleEndian);
    view.setUint32(entry + 4, 1, isLittleEndian);
    if (typeof value !== 'number') {
      view.setUint32(entry + 8, end + 8 * i, isLittleEndian);
      view.setUint32(end + 8 * i, value[0], isLittleEndian);
      view.setUint32(end + 8 * i + 4, value[1], isLittleEndian);
    } else if (type === 'byte' || type === 'sbyte') view.setUint8(entry + 8, value);
    else if (type === 'short' || type === 'sshort') view.setUint16(entry + 8, value, isLittleEndian);
    else view.setUint32(entry + 8, value, isLittleEndian);
  }
  return Buffer.from(view.buffer);
}

const orientation = 0x0112;
const [xResolution, yResolution, resolutionUnit] = [0x011a, 0x011b, 0x0128];

describe('readExif', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('reads orientation %i in both byte orders', (value) => {
    for (const isLittleEndian of [false, true]) {
      expect(readExif(tiff([[orientation, 'short', value]], { isLittleEndian }))).toEqual({
        orientation: value,
      });
    }
  });

  test.each(['byte', 'short', 'long', 'sbyte', 'sshort', 'slong'] as const)(
    'reads an orientation stored as %s',
    (type) => {
      for (const isLittleEndian of [false, true]) {
        expect(readExif(tiff([[orientation, type, 6]], { isLittleEndian }))).toEqual({ orientation: 6 });
      }
    },
  );

  test('finds the directory at the offset in the header, and the tag after other tags', () => {
    expect(readExif(tiff([[orientation, 'short', 6]], { offset: 100 }))).toEqual({ orientation: 6 });
    const entries: Entry[] = [
      [0x0100, 'short', 3],
      [orientation, 'short', 8],
    ];
    expect(readExif(tiff(entries))).toEqual({ orientation: 8 });
  });

  test.each([
    ['another tag', tiff([[0x0100, 'short', 6]])],
    ['another type', tiff([[orientation, 'rational', [13, 2]]])],
    ['orientation 0', tiff([[orientation, 'short', 0]])],
    ['a negative orientation', tiff([[orientation, 'slong', 0xfffffffa]])],
    ['orientation 9', tiff([[orientation, 'long', 9]])],
    ['a LONG whose first half would be valid', tiff([[orientation, 'long', 0x60001]])],
    ['no TIFF', Buffer.from('http://ns.adobe.com/xap/1.0/\0<x/>')],
    ['nothing', Buffer.alloc(0)],
  ])('ignores %s', (_, block) => {
    expect(readExif(block)).toEqual({});
  });

  test.each([
    ['inches', 2, [300, 1], [72, 1], { x: 11811, y: 2835, unit: 'metre' }],
    ['centimetres', 3, [1000, 10], [1000, 10], { x: 10000, y: 10000, unit: 'metre' }],
    ['no unit', 1, [4, 1], [3, 1], { x: 4, y: 3, unit: 'aspect' }],
    ['no unit and square pixels', 1, [72, 1], [72, 1], undefined],
    ['a division by zero', 2, [300, 0], [300, 0], undefined],
    ['zero divided by zero', 2, [0, 0], [0, 0], undefined],
    ['zero', 2, [0, 1], [0, 1], undefined],
    ['far too many', 2, [0xffffffff, 1], [0xffffffff, 1], undefined],
  ] as const)('reads the resolution in %s', (_, unit, x, y, density) => {
    const notes = readExif(
      tiff([
        [xResolution, 'rational', [...x]],
        [yResolution, 'rational', [...y]],
        [resolutionUnit, 'short', unit],
      ]),
    );
    expect(notes).toEqual(density === undefined ? {} : { density });
  });

  test('assumes inches if the resolution has no unit', () => {
    const entries: Entry[] = [
      [xResolution, 'rational', [254, 1]],
      [yResolution, 'rational', [254, 1]],
    ];
    expect(readExif(tiff(entries))).toEqual({ density: { x: 10000, y: 10000, unit: 'metre' } });
    expect(readExif(tiff(entries.slice(0, 1)))).toEqual({});
  });

  test('reads nothing beyond a damaged or cut off block', () => {
    const whole = tiff([[orientation, 'short', 6]]);
    for (let length = 0; length < 22; length++) {
      expect(readExif(whole.subarray(0, length))).toEqual({});
    }
    for (let i = 0; i < whole.length; i++) {
      const damaged = Buffer.from(whole);
      damaged[i] ^= 0xff;
      expect([undefined, 6]).toContain(readExif(damaged).orientation);
    }
  });
});
