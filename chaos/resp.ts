// Splits the bytes between Redis and a client into frames: commands in one direction, replies in the other
// (RESP2, RESP3).

/** A parsed frame: text for the short kinds, bytes for strings of a given length, null, or a list. */
export type RespValue = string | Buffer | null | RespValue[];

export interface Frame {
  raw: Buffer;
  value: RespValue;
}

interface Parsed {
  value: RespValue;
  end: number;
}

const LINE_KINDS = '+-:#,(_';
const BULK_KINDS = '$=!';
const LIST_KINDS = '*~>';

/** Reads a stream's chunks and returns its frames as soon as they are complete. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  read(chunk: Buffer): Frame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    let at = 0;
    for (let parsed = parse(this.#rest, at); parsed; parsed = parse(this.#rest, at)) {
      frames.push({ raw: this.#rest.subarray(at, parsed.end), value: parsed.value });
      at = parsed.end;
    }
    this.#rest = this.#rest.subarray(at);
    return frames;
  }
}

/** Returns a value's text; a list's texts are joined by spaces. */
export function textOf(value: RespValue): string {
  if (value === null) return '';
  return Array.isArray(value) ? value.map(textOf).join(' ') : value.toString();
}

/** Returns the value that starts at `at`, or null if it is not complete yet. */
function parse(bytes: Buffer, at: number): Parsed | null {
  const lineEnd = bytes.indexOf('\r\n', at);
  if (lineEnd < 0) return null;
  const kind = String.fromCharCode(bytes[at]);
  const line = bytes.toString('latin1', at + 1, lineEnd);
  const next = lineEnd + 2;
  if (LINE_KINDS.includes(kind)) return { value: kind === '_' ? null : line, end: next };
  const length = Number(line);
  if (length < 0) return { value: null, end: next };
  if (BULK_KINDS.includes(kind)) {
    const end = next + length + 2;
    return end > bytes.length ? null : { value: bytes.subarray(next, end - 2), end };
  }
  if (LIST_KINDS.includes(kind)) return parseList(bytes, next, length);
  if (kind === '%') return parseList(bytes, next, length * 2);
  throw new Error(
    `Not a Redis frame: ${JSON.stringify(bytes.toString('latin1', at, lineEnd).slice(0, 100))}`,
  );
}

function parseList(bytes: Buffer, at: number, length: number): Parsed | null {
  const values: RespValue[] = [];
  let end = at;
  for (let index = 0; index < length; index++) {
    const parsed = parse(bytes, end);
    if (!parsed) return null;
    values.push(parsed.value);
    end = parsed.end;
  }
  return { value: values, end };
}
