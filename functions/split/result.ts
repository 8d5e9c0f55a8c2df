// Sends the result of an image over HTTP: its own pixels, or the reason why there are none.
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from '@google-cloud/functions-framework';
import { contentDisposition } from '../lib/content-disposition.ts';
import { Problem } from '../lib/errors.ts';
import { parametersOf } from '../lib/filters/recipe.ts';
import { mediaTypes, parseFormat } from '../lib/image/format.ts';
import { inPieces } from '../lib/service/slow-readers.ts';
import type { ImageRecord } from '../lib/queue/image-record.ts';
import type { FoundResult, Results } from '../lib/store/results.ts';
import type { OpenFile } from '../lib/store/store.ts';
import { namesTag } from './etag.ts';

export interface ResultParts {
  results: Results;
  /** Returns the record of an image if the caller may see it, or null. */
  findRecord: (id: string) => Promise<ImageRecord | null>;
}

/**
 * Sends the result of `record`. Throws a {@link Problem}: `conflict` before it is done, `replaced` or
 * `result-gone` afterwards.
 */
export async function sendResult(
  req: Request,
  res: Response,
  record: ImageRecord,
  parts: ResultParts,
): Promise<void> {
  if (record.state !== 'done') {
    const reason = record.error === null ? '' : ` ${record.error}`;
    throw new Problem('conflict', `Image ${record.id} has no result: it is ${record.state}.${reason}`, {
      retryAfterSeconds: 1,
    });
  }
  const found = await parts.results.open(record.id, record.output);
  if (found.is !== 'own') throw await problemOf(record, found, parts);
  try {
    await sendFile(req, res, record, found.file);
  } finally {
    await found.file.close();
  }
}

/** Returns why the result of `record`, which is done, is gone, or null if it exists. */
export async function missingResult(record: ImageRecord, parts: ResultParts): Promise<Problem | null> {
  const found = await parts.results.open(record.id, record.output);
  if (found.is !== 'own') return problemOf(record, found, parts);
  await found.file.close();
  return null;
}

async function sendFile(
  req: Request,
  res: Response,
  { id, output, format }: ImageRecord,
  file: OpenFile,
): Promise<void> {
  const etag = `"${id}-${file.version}"`;
  res.setHeader('etag', etag);
  res.setHeader('cache-control', 'no-cache'); // Clients may keep it, but another result may replace it at any time.
  if (namesTag(req.headers['if-none-match'], etag)) {
    res.writeHead(304).end();
    return;
  }
  // A store that fails now can still be reported; after the headers the connection can only be cut.
  const bytes = req.method === 'HEAD' ? null : await begun(file.read());
  res.writeHead(200, {
    'content-type': mediaTypes[parseFormat(format).name],
    // This must be set before the length. Otherwise Node 24 treats the field's bytes as UTF-8 and sends one
    // byte of each character.
    'content-disposition': contentDisposition(output),
    'content-length': file.sizeBytes,
  });
  if (bytes === null) res.end();
  else await pipeline(bytes, inPieces, res);
}

/** Returns the same chunks, after the first one has been read. */
async function begun(chunks: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    if (first.done) return;
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
  })();
}

const GONE: Record<NonNullable<ImageRecord['gone']>, string> = {
  expired: 'it has expired, or its file was removed',
  room: 'it was removed to make room for newer images',
  deleted: 'it was deleted on request',
};

async function problemOf(
  { id, gone }: ImageRecord,
  found: Exclude<FoundResult, { is: 'own' }>,
  parts: ResultParts,
): Promise<Problem> {
  const remedy = 'Send the image again to get it made again.';
  if (found.is === 'missing') {
    const reason = GONE[gone ?? 'expired'];
    return new Problem('result-gone', `The result of image ${id} is gone: ${reason}. ${remedy}`);
  }
  const cause = found.by === null ? 'a file that is not a result' : await described(found.by, parts);
  return new Problem(
    'replaced',
    `The result of image ${id} was replaced by ${cause}, under the same output name. ${remedy}`,
  );
}

async function described(id: string, { findRecord }: ResultParts): Promise<string> {
  const record = await findRecord(id);
  if (record === null) return `that of image ${id}`;
  const parameters = Object.entries(parametersOf(record.recipe)).map(([name, value]) => `${name} ${value}`);
  return `that of image ${id} (${[JSON.stringify(record.name), ...parameters].join(', ')})`;
}
