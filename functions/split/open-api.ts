// Sends the OpenAPI document of split. The build puts it beside the bundle, as JSON; it is read with the first request for it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { targetOf } from './requests.ts';

export const OPEN_API_PATH = '/openapi.json';

let loaded: Promise<Buffer> | null = null;

/** Returns whether the request is for the document. It is the same for everyone and contains no data, so it needs no token. */
export function isOpenApiRequest({ method, url = '' }: Pick<IncomingMessage, 'method' | 'url'>): boolean {
  return (method === 'GET' || method === 'HEAD') && targetOf(url).path === OPEN_API_PATH;
}

export async function sendOpenApi(res: ServerResponse): Promise<void> {
  loaded ??= readFile(join(import.meta.dirname, 'openapi.json'));
  const document = await loaded;
  res.writeHead(200, {
    'content-type': 'application/json',
    'content-length': document.length,
    'cache-control': 'no-cache',
  });
  res.end(document);
}
