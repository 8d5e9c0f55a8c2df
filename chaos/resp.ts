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
  #chunks: Buffer[] = [];
  #length = 0;
  /** How many bytes the next frame has at least. Fewer are not joined, because a large frame comes in many chunks. */
  #wanted = 1;

  read(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#wanted) return [];
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    const frames: Frame[] = [];
    let at = 0;
    let parsed = parse(bytes, at);
    for (; typeof parsed !== 'number'; parsed = parse(bytes, at)) {
      frames.push({ raw: bytes.subarray(at, parsed.end), value: parsed.value });
      at = parsed.end;
    }
    this.#chunks = at < bytes.length ? [bytes.subarray(at)] : [];
    this.#length = bytes.length - at;
    this.#wanted = parsed - at;
    return frames;
  }
}

/** Returns a value's text; a list's texts are joined by spaces. */
export function textOf(value: RespValue): string {
  if (value === null) return '';
  return Array.isArray(value) ? value.map(textOf).join(' ') : value.toString();
}

/** Returns the value that starts at `at`. If it is not complete, returns where it ends at the earliest. */
function parse(bytes: Buffer, at: number): Parsed | number {
  const lineEnd = bytes.indexOf('\r\n', at);
  if (lineEnd < 0) return bytes.length + 1;
  const kind = String.fromCharCode(bytes[at]);
  const line = bytes.toString('latin1', at + 1, lineEnd);
  const next = lineEnd + 2;
  if (LINE_KINDS.includes(kind)) return { value: kind === '_' ? null : line, end: next };
  const length = Number(line);
  if (length < 0) return { value: null, end: next };
  if (BULK_KINDS.includes(kind)) {
    const end = next + length + 2;
    return end > bytes.length ? end : { value: bytes.subarray(next, end - 2), end };
  }
  if (LIST_KINDS.includes(kind)) return parseList(bytes, next, length);
  if (kind === '%') return parseList(bytes, next, length * 2);
  throw new Error(
    `Not a Redis frame: ${JSON.stringify(bytes.toString('latin1', at, lineEnd).slice(0, 100))}`,
  );
}

function parseList(bytes: Buffer, at: number, length: number): Parsed | number {
  const values: RespValue[] = [];
  let end = at;
  for (let index = 0; index < length; index++) {
    const parsed = parse(bytes, end);
    if (typeof parsed === 'number') return parsed;
    values.push(parsed.value);
    end = parsed.end;
  }
  return { value: values, end };
}
