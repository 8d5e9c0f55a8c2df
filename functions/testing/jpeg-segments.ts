// JPEGs with segments that photo encoders write but libvips does not.
import { jpegSegment } from './drawn-jpeg.ts';

/** Returns a JPEG with a profile in the given number of segments (ICC.1, annex B.4). */
export function jpegWithProfile(jpeg: Buffer, profile: Buffer, parts = 1): Buffer<ArrayBuffer> {
  const partBytes = Math.ceil(profile.length / parts);
  let result = Buffer.from(jpeg);
  for (let part = parts; part >= 1; part--) {
    const name = Buffer.from(`ICC_PROFILE\0${String.fromCharCode(part, parts)}`, 'latin1');
    const bytes = profile.subarray((part - 1) * partBytes, part * partBytes);
    result = jpegWithSegment(result, 0xe2, Buffer.concat([name, bytes]));
  }
  return result;
}

/** Returns a JPEG with one more segment at its start. */
export function jpegWithSegment(jpeg: Buffer, marker: number, content: Buffer): Buffer<ArrayBuffer> {
  return Buffer.concat([jpeg.subarray(0, 2), jpegSegment(marker, content), jpeg.subarray(2)]);
}
