// What can go wrong between the page and split, explained for users.

/** A problem document (RFC 9457) from split. */
export interface ProblemDocument {
  code: string;
  title: string;
  detail: string;
  status: number;
}

/** split has refused the request. */
export class Refusal extends Error {
  readonly code: string;
  readonly detail: string;
  /** Whether the same request may succeed later. */
  readonly isForNow: boolean;
  /** After how many seconds. */
  readonly retryAfterS: number;

  constructor({ code, title, detail, status }: ProblemDocument, retryAfterS: number) {
    super(inPlainWords(code, title));
    this.code = code;
    this.detail = detail;
    this.isForNow = status === 429;
    this.retryAfterS = retryAfterS;
  }
}

/** split does not answer, or cannot work now: it restarts, its Redis restarts, or the network is down. */
export class Away extends Error {}

/** What a problem's code means to somebody who looks at the page. For other codes the title is shown. */
export const words: Record<string, string> = {
  'invalid-image': 'This file is damaged: it cannot be read as a picture.',
  'unsupported-image': 'This is not a picture that can be blurred here. Choose a PNG or a JPEG file.',
  'image-too-large': 'This picture is too large.',
  'body-too-large': 'This file is too large.',
  'invalid-name': 'A file cannot have this name here. Rename it and try again.',
  'invalid-request': 'This file cannot be sent. Is it empty?',
  'request-timeout': 'The picture arrived too slowly. Try again, or use a faster connection.',
  'over-share': 'There is no room for another picture of yours right now.',
  'over-budget': 'There is no room for another picture right now.',
  'too-many-uploads': 'Others are sending pictures right now.',
  'result-gone': 'The finished picture is no longer kept.',
  replaced: 'The finished picture was replaced by another of the same name.',
  conflict: 'That is not possible any more, or not yet.',
  'not-retryable': 'This picture cannot be tried again. Send it once more.',
  'not-found': 'This picture is not known any more.',
  'switched-off': 'That is switched off here.',
  internal: 'Something went wrong in Tessera. Its log says what.',
};

function inPlainWords(code: string, title: string): string {
  return words[code] ?? `${title}.`;
}

/** Returns the fault that a response stands for. */
export async function faultOf(response: Response): Promise<Refusal | Away> {
  if (response.status >= 502 && response.status <= 504) return new Away(`HTTP ${response.status}`);
  const given = (await response.json().catch(() => ({}))) as Partial<ProblemDocument>;
  const { code = '', title = `The answer was HTTP ${response.status}`, detail = '' } = given;
  const retryAfterS = Number(response.headers.get('retry-after') ?? '1') || 1;
  return new Refusal({ code, title, detail, status: response.status }, retryAfterS);
}
