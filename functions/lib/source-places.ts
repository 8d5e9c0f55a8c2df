// Translates places in the bundles to places in the sources, with the source maps beside the bundles. Node's
// own --enable-source-maps does the same, but reads the maps when a process starts, which takes 14 to 20 ms
// of CPU time and 9 to 12 MB before the first tile. Here they are read at the first error, which may never
// come.
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

/** A place in a stack trace: the URL of a module, a line and a column. */
const PLACE = /(file:\/\/[^\s()]+):(\d+):(\d+)/g;

/** By URL; null for a module without a map, which is itself a source. */
const maps = new Map<string, SourceMap | null>();

/** Returns the same stack frames, with places in the sources instead of the bundles. */
export function inSources(frames: string): string {
  return frames.replaceAll(PLACE, (place, url: string, line: string, column: string) => {
    const origin = mapOf(url)?.findOrigin(Number(line), Number(column));
    if (!origin || !('fileName' in origin)) return place;
    return `${fromRoot(origin.fileName)}:${origin.lineNumber}:${origin.columnNumber}`;
  });
}

function mapOf(url: string): SourceMap | null {
  let map = maps.get(url);
  if (map === undefined) {
    map = readMap(url);
    maps.set(url, map);
  }
  return map;
}

function readMap(url: string): SourceMap | null {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(url)}.map`, 'utf8')));
  } catch {
    return null;
  }
}

/** Returns `../../functions/split/main.ts` as a path from the repository's root. */
function fromRoot(path: string): string {
  return path.replace(/^(\.\.\/)+/, '');
}
