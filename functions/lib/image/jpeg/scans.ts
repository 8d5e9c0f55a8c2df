// How many scans a JPEG has. Each is a pass over the whole picture, however few bytes it takes, so they are counted before
// the first one is decoded. The walk from marker to marker is libjpeg's own, and nothing in between is decoded.

const markers = { endOfImage: 0xd9, startOfScan: 0xda } as const;

/** Returns the number of scans in `file`, up to its end marker. */
export function countScans(file: Uint8Array): number {
  let scans = 0;
  for (let at = findMarker(file, 2); at !== -1;) {
    const marker = file[at + 1];
    if (marker === markers.endOfImage) break;
    if (marker === markers.startOfScan) scans++;
    const length = file[at + 2] * 256 + file[at + 3];
    // The length counts its own two bytes. libjpeg reads them even where they say less.
    at = findMarker(file, at + 2 + Math.max(length, 2));
  }
  return scans;
}

/** Returns where the next marker that begins a segment or ends the image is, from `at` on; -1 when there is none. */
function findMarker(file: Uint8Array, at: number): number {
  for (;;) {
    // Data can be full of 0xff: a call of indexOf for each would take longer than decoding it.
    if (file[at] !== 0xff) at = file.indexOf(0xff, at);
    if (at === -1 || at + 1 >= file.length) return -1;
    const code = file[at + 1];
    const isRestart = code >= 0xd0 && code <= 0xd7;
    if (code === 0xff) at += 1;
    else if (code <= 0x01 || isRestart) at += 2;
    else return at;
  }
}
