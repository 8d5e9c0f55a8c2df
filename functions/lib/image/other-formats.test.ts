import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { describeOther } from './other-formats.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const drawing = () => sharp({ create: { width: 16, height: 16, channels: 3, background: '#336699' } });

describe('describeOther', () => {
  test.each([
    ['a GIF image', () => drawing().gif().toBuffer()],
    ['a WebP image', () => drawing().webp().toBuffer()],
    ['an AVIF image', () => drawing().avif().toBuffer()],
    ['a TIFF image or raw photo', () => drawing().tiff().toBuffer()],
  ])('recognises %s written by sharp', async (what, draw) => {
    const said = describeOther(await draw());
    expect(said).toContain(`This is ${what}; convert it to PNG or JPEG first`);
  });

  test.each([
    ['a HEIC image', '\0\0\0\x24ftypheic\0\0\0\0mif1heic'],
    ['a HEIC image', '\0\0\0\x28ftypmif1\0\0\0\0mif1heicmiaf'],
    ['an AVIF image', '\0\0\0\x20ftypmif1\0\0\0\0mif1avifmiaf'],
    ['a Canon raw photo', '\0\0\0\x18ftypcrx \0\0\0\x01crx isom'],
    ['a video', '\0\0\0\x18ftypmp42\0\0\0\0mp42isom'],
    ['a video', '\0\0\0\x14ftypqt  \0\0\0\0qt  '],
    ['a video', '\x1a\x45\xdf\xa3\x9f'],
    ['a TIFF image or raw photo', 'MM\0*\0\0\0\x08'],
    ['a BMP image', 'BM\x46\0\0\0\0\0\0\0\x36\0\0\0'],
    ['a JPEG XL image', '\xff\x0a\xfa\x7f'],
    ['a JPEG XL image', '\0\0\0\x0cJXL \r\n\x87\n'],
    ['a JPEG 2000 image', '\0\0\0\x0cjP  \r\n\x87\n'],
    ['an icon', '\0\0\x01\0\x01\0'],
    ['a Photoshop document', '8BPS\0\x01'],
    ['an OpenEXR image', 'v/1\x01\x02'],
    ['a Netpbm image', 'P6\n4 4\n255\n'],
    ['an MNG or JNG animation', '\x8aMNG\r\n\x1a\n'],
    ['a PDF document', '%PDF-1.7'],
    ['an SVG drawing', '<svg xmlns="http://www.w3.org/2000/svg">'],
    ['an SVG drawing', '\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn -->\n<svg\n'],
    ['an SVG drawing', '\xef\xbb\xbf<svg xmlns="http://www.w3.org/2000/svg">'],
    ['a web page', '\xef\xbb\xbf<!DOCTYPE html>'],
    ['a web page', '<!DOCTYPE html>\n<html><svg>'],
    ['a web page', '\n <html>'],
    ['a compressed file', '\x1f\x8b\x08'],
    ['a compressed file', 'PK\x03\x04'],
    ['a form with a file in it', '--x7Zb\r\nContent-Disposition: form-data; name="f"'],
    ['a PNG with changed line ends', '\x89PNG\x1a\0\0\0\rIHDR'],
    ['a PNG with changed line ends', '\x89PNG\n\x1a\n'],
    ['a PNG or JPEG that was sent as text', '\xef\xbf\xbdPNG\r\n'],
    ['a PNG or JPEG that was sent as text', '\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\0'],
    ['an image written as Base64', 'data:image/png;base64,iVBORw0KGgo'],
    ['an image written as Base64', 'iVBORw0KGgoAAAANSUhEUg'],
    ['a pointer to a file in Git LFS', 'version https://git-lfs.github.com/spec/v1'],
  ])('knows %s: %j', (what, head) => {
    expect(describeOther(bytes(head))).toMatch(new RegExp(`^This is ${what}; .+\\.$`));
  });

  test.each([
    ['\ufeff<?xml version="1.0" encoding="UTF-16"?>\n<svg xmlns="http://www.w3.org/2000/svg">'],
    ['<svg xmlns="http://www.w3.org/2000/svg">'],
  ])('recognises an SVG drawing in UTF-16: %j', (text) => {
    const littleEndian = Buffer.from(text, 'utf16le');
    for (const each of [littleEndian, Buffer.from(littleEndian).swap16()])
      expect(describeOther(each)).toContain('This is an SVG drawing; ');
  });

  test.each(['hello', 'BMW', 'P', '-- a title', '\0\0\0\0\0\0\0\0', '<xml>'])(
    'does not guess for %j',
    (text) => {
      expect(describeOther(bytes(text))).toBe('The bytes are neither a PNG nor a JPEG.');
    },
  );

  test('says that there are no bytes', () => {
    expect(describeOther(new Uint8Array())).toBe('The image is empty: it has no bytes.');
  });
});
