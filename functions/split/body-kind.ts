// Decides whether the body of `POST /` is an image, or JSON that names stored inputs. The content type
// decides. An empty body is an error, because a broken pipe must not request all stored inputs.
import { Problem } from '../lib/errors.ts';

const JSON_TYPE = 'application/json';
/** What clients send for bytes of unknown type; the last one is curl's. */
const UNTYPED = new Set([
  '',
  'application/octet-stream',
  'binary/octet-stream',
  'application/x-www-form-urlencoded',
]);
/** How many bytes are searched for the first letter of JSON. */
const BLANK_BYTES = 256;

/** Returns the kind of a body with this media type. Throws a Problem that says what to send instead. */
export function kindOfBody(mediaType: string, body: Uint8Array): 'image' | 'inputs' {
  if (mediaType === JSON_TYPE) return 'inputs';
  if (body.length === 0) {
    throw new Problem(
      'invalid-request',
      'The body is empty. Send an image (curl --data-binary @photo.png), or JSON (curl --json) that names stored inputs: {"input": "folder"}, or {} for all.',
    );
  }
  if (mediaType.startsWith('multipart/')) {
    throw unsupported(mediaType, 'send the file by itself: curl --data-binary @photo.png, not --form');
  }
  if (beginsLikeJson(body))
    throw unsupported(mediaType, `it looks like JSON, which must be sent as ${JSON_TYPE} (curl --json)`);
  if (!mediaType.startsWith('image/') && !UNTYPED.has(mediaType)) {
    throw unsupported(mediaType, 'send a PNG or a JPEG as image/png, image/jpeg or application/octet-stream');
  }
  return 'image';
}

function unsupported(mediaType: string, advice: string): Problem {
  return new Problem('unsupported-image', `The body was sent as ${mediaType || 'nothing'}; ${advice}.`);
}

function beginsLikeJson(body: Uint8Array): boolean {
  return /^\s*[[{]/.test(Buffer.from(body.subarray(0, BLANK_BYTES)).toString());
}
