// A file for split, and the answer that split must give.

export interface HostileFile {
  name: string;
  bytes: Buffer;
  status: number;
  /** The problem's code; null for a file that is accepted. */
  code: string | null;
}

/** Functions that make files of one format, by the answer that split must give. */
export function filesOf(format: string) {
  const answered =
    (status: number, code: string | null) =>
    (name: string, bytes: Buffer): HostileFile => ({ name: `${format}: ${name}`, bytes, status, code });
  return {
    taken: answered(202, null),
    invalid: answered(422, 'invalid-image'),
    unsupported: answered(415, 'unsupported-image'),
    tooLarge: answered(413, 'image-too-large'),
  };
}
