// Recognises other kinds of files by their first bytes, so that the refusal can say what to do.
// oxlint-disable no-control-regex -- file signatures contain them

interface OtherFormat {
  what: string;
  /** Matches the first {@link HEAD_BYTES} bytes, as {@link headOf} reads them. */
  head: RegExp;
  advice: string;
}

const HEAD_BYTES = 1024;

/** Advice for an image in a file with this extension. */
const convert = (extension: string): string =>
  `convert it to PNG or JPEG first, for example with ImageMagick: magick photo.${extension} photo.png`;
const sendBytes = 'send the bytes of the file as they are, with curl --data-binary @photo.png';

/**
 * Matches an ISO media file if one of its brands is in `brands`. The main brand comes first (ISO/IEC
 * 14496-12, section 4.3).
 */
const mediaFile = (brands: string): RegExp =>
  new RegExp(String.raw`^\0\0\0[\x08-\x7f]ftyp.{0,100}?(${brands})`, 's');

/** The first match counts. Each expression looks at each byte only a few times, whatever the bytes are. */
const otherFormats: OtherFormat[] = [
  { what: 'a GIF image', head: /^GIF8[79]a/, advice: convert('gif') },
  { what: 'a WebP image', head: /^RIFF.{4}WEBP/s, advice: convert('webp') },
  { what: 'an AVIF image', head: mediaFile('avif|avis'), advice: convert('avif') },
  { what: 'a HEIC image', head: mediaFile('hei[cxms]|hev[cxms]|mif1|msf1'), advice: convert('heic') },
  { what: 'a Canon raw photo', head: mediaFile('crx '), advice: 'develop it to PNG or JPEG first' },
  {
    what: 'a video',
    head: /^.{4}ftyp|^\x1a\x45\xdf\xa3|^RIFF.{4}AVI /s,
    advice: 'only PNG and JPEG images are accepted',
  },
  { what: 'a TIFF image or raw photo', head: /^(II\*\0|MM\0\*|II\+\0|MM\0\+)/, advice: convert('tif') },
  { what: 'a BMP image', head: /^BM.{4}\0{4}/s, advice: convert('bmp') },
  { what: 'a JPEG XL image', head: /^(\xff\x0a|\0\0\0\x0cJXL )/, advice: convert('jxl') },
  { what: 'a JPEG 2000 image', head: /^(\0\0\0\x0cjP {2}|\xff\x4f\xff\x51)/, advice: convert('jp2') },
  { what: 'an icon', head: /^\0\0[\x01\x02]\0[^\0]\0/, advice: convert('ico') },
  { what: 'a Photoshop document', head: /^8BPS/, advice: convert('psd') },
  { what: 'an OpenEXR image', head: /^v\/1\x01/, advice: convert('exr') },
  { what: 'a Netpbm image', head: /^P[1-7]\s/, advice: convert('ppm') },
  { what: 'an MNG or JNG animation', head: /^[\x8a\x8b][MJ]NG\r\n/, advice: convert('mng') },
  {
    what: 'a PDF document',
    head: /^%PDF-/,
    advice: 'convert its page to a PNG first, for example with pdftoppm -png',
  },
  {
    what: 'a web page',
    head: /^\s*<(!DOCTYPE html|html)/i,
    advice: 'check what the address of the image really returns',
  },
  {
    what: 'an SVG drawing',
    head: /^\s*(<[?!][^]*)?<svg[\s>]/i,
    advice: 'convert it to a PNG first, for example with rsvg-convert',
  },
  {
    what: 'a compressed file',
    head: /^(\x1f\x8b|PK\x03\x04|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd)/,
    advice: 'unpack it and send the images in it',
  },
  {
    what: 'a form with a file in it',
    head: /^--[^\r\n]+\r?\nContent-/i,
    advice: 'send the file alone, with curl --data-binary @photo.png, not --form',
  },
  {
    what: 'a PNG with changed line ends',
    head: /^\x89PNG(\x1a|\n\x1a|\n\n|\r\r)/,
    advice: 'it was sent as text; send it with curl --data-binary, not --data',
  },
  {
    what: 'a PNG or JPEG that was sent as text',
    head: /^(\xef\xbf\xbdPNG|(\xef\xbf\xbd){3}|\xc2\x89PNG|\xc3\xbf\xc3\x98)/,
    advice: sendBytes,
  },
  { what: 'an image written as Base64', head: /^(data:image\/|iVBORw0KGgo|\/9j\/)/, advice: sendBytes },
  {
    what: 'a pointer to a file in Git LFS',
    head: /^version https:\/\/git-lfs/,
    advice: 'fetch the file itself with git lfs pull',
  },
];

/** How a text in UTF-16 begins, with or without a byte order mark. */
const UTF_16 = /^(\xff\xfe|\xfe\xff|<\0|\0<)/;

/** Returns the first bytes as Latin-1. A byte order mark is removed, and so are the zeros of UTF-16. */
function headOf(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, HEAD_BYTES)).toString('latin1');
  const text = UTF_16.test(head) ? head.replaceAll('\0', '') : head;
  return text.replace(/^(\xef\xbb\xbf|\xff\xfe|\xfe\xff)/, '');
}

/** Returns what `bytes` are and what to do with them, as a sentence for the sender. */
export function describeOther(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'The image is empty: it has no bytes.';
  const head = headOf(bytes);
  const found = otherFormats.find((format) => format.head.test(head));
  return found ? `This is ${found.what}; ${found.advice}.` : 'The bytes are neither a PNG nor a JPEG.';
}
