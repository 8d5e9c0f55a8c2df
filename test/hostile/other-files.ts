// Files that are neither PNG nor JPEG, whatever their names.
import { filesOf, type HostileFile } from './hostile-file.ts';

const { unsupported } = filesOf('neither');

const heads: [what: string, head: string][] = [
  ['text', 'hello'],
  ['one byte', 'x'],
  ['zeros', '\0\0\0\0\0\0\0\0'],
  ['half a PNG signature', '\x89PNG'],
  ['a PNG signature with its line ends changed', '\x89PNG\n\x1a\n'],
  ['a GIF', 'GIF89a\x01\0\x01\0'],
  ['a WebP', 'RIFF\x10\0\0\0WEBPVP8 '],
  ['a HEIC', '\0\0\0\x18ftypheic\0\0\0\0mif1'],
  ['an AVIF', '\0\0\0\x18ftypavif\0\0\0\0mif1'],
  ['a TIFF', 'II*\0\x08\0\0\0'],
  ['a BMP', 'BM\x46\0\0\0\0\0\0\0'],
  ['an SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
  [
    'an SVG that includes a file',
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><svg>&e;</svg>',
  ],
  ['a web page', '<!DOCTYPE html><script>alert(1)</script>'],
  ['a PDF', '%PDF-1.7'],
  ['a ZIP', 'PK\x03\x04'],
  ['a gzip', '\x1f\x8b\x08\0'],
  ['an ELF program', '\x7fELF'],
  ['a form', '--boundary\r\nContent-Disposition: form-data; name="file"\r\n\r\n'],
  ['the letters of every regular expression', '(((((((((((((((((((((((((a+)+)+)+)+$'],
];

/** All of them, some with a megabyte of the same byte after their head. */
export function otherFiles(): HostileFile[] {
  return heads.flatMap(([what, head]) => {
    const bytes = Buffer.from(head, 'latin1');
    return [
      unsupported(what, bytes),
      unsupported(`${what} and a megabyte of spaces`, Buffer.concat([bytes, Buffer.alloc(1_000_000, ' ')])),
    ];
  });
}
