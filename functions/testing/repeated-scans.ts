// Progressive JPEGs with any number of scans. Each further scan has a few bytes and costs another pass over
// all pixels.

/**
 * Returns `jpeg`, which is progressive and has no thumbnail, with its last scan repeated until there are
 * `count` scans.
 */
export function withScans(jpeg: Buffer, count: number): Buffer<ArrayBuffer> {
  const scans = jpeg.toString('latin1').split('\xff\xda').length - 1;
  const start = jpeg.lastIndexOf('ffc4', jpeg.lastIndexOf('ffda', undefined, 'hex'), 'hex');
  const end = jpeg.lastIndexOf('ffd9', undefined, 'hex');
  const again = Array<Buffer>(count - scans).fill(jpeg.subarray(start, end));
  return Buffer.concat([jpeg.subarray(0, end), ...again, jpeg.subarray(end)]);
}
