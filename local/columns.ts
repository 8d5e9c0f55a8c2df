// How wide text is on a terminal: an East Asian character or an emoji takes two columns, a combining accent
// takes none.

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u;
const NO_WIDTH = /^[\p{Mark}\p{Format}]$/u;

/** Returns the columns that a terminal needs for `text`. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += columnsOfOne(character);
  return columns;
}

/** Returns `path` in exactly `columns` columns: filled with blanks, or its end after an ellipsis. */
export function pathInColumns(path: string, columns: number): string {
  const width = columnsOf(path);
  return width > columns
    ? pathInColumns(`…${ending(path, columns - 1)}`, columns)
    : path + ' '.repeat(columns - width);
}

/** Returns as much of the beginning of `text` as fits into `columns`. */
export function beginning(text: string, columns: number): string {
  let left = columns;
  let kept = '';
  for (const character of text) {
    left -= columnsOfOne(character);
    if (left < 0) break;
    kept += character;
  }
  return kept;
}

/** Returns as much of the end of `text` as fits into `columns`. */
function ending(text: string, columns: number): string {
  const characters = Array.from(text);
  let left = columns;
  let from = characters.length;
  while (from > 0 && left >= columnsOfOne(characters[from - 1])) left -= columnsOfOne(characters[--from]);
  // An accent without its letter would join the ellipsis.
  while (from < characters.length && columnsOfOne(characters[from]) === 0) from++;
  return characters.slice(from).join('');
}

function columnsOfOne(character: string): number {
  if (NO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
