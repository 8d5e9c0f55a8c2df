// Counts the scans of a JPEG before the first one is decoded, because each scan is a pass over the whole
// picture, even if it has only a few bytes. It goes from marker to marker as libjpeg does, and decodes
// nothing in between.

const markers = { endOfImage: 0xd9, startOfScan: 0xda } as const;

/** Returns the number of scans in `file`, up to its end marker. */
export function countScans(file: Uint8Array): number {
  let scans = 0;
  for (let at = findMarker(file, 2); at !== -1;) {
    const marker = file[at + 1];
    if (marker === markers.endOfImage) break;
    if (marker === markers.startOfScan) scans++;
    if (at + 4 > file.length) break;
    const length = file[at + 2] * 256 + file[at + 3];
    // The length includes its own two bytes. libjpeg reads them even if the length is smaller.
    at = findMarker(file, at + 2 + Math.max(length, 2));
  }
  return scans;
}

/**
 * Returns the position of the next marker that begins a segment or ends the image, from `at` on, or -1 if
 * there is none.
 */
function findMarker(file: Uint8Array, at: number): number {
  for (;;) {
    // Data can be full of 0xff, so calling indexOf for each byte would take longer than decoding it.
    if (file[at] !== 0xff) at = file.indexOf(0xff, at);
    if (at === -1 || at + 1 >= file.length) return -1;
    const code = file[at + 1];
    const isRestart = code >= 0xd0 && code <= 0xd7;
    if (code === 0xff) at += 1;
    else if (code <= 0x01 || isRestart) at += 2;
    else return at;
  }
}
