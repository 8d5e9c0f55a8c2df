// Checks the signature of a request to S3, as a service does (AWS Signature Version 4).
import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
}

/** How far a client's clock may be off. */
const MAX_SKEW_MS = 15 * 60 * 1000;

/** Returns the code of the error with which a service refuses the request, or null if it does not. */
export function signatureFault(req: IncomingMessage, body: Buffer, keys: Keys, now: number): string | null {
  const authorization =
    /Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)$/;
  const [, id, day, region, signedHeaders, signature] =
    authorization.exec(req.headers.authorization ?? '') ?? [];
  if (id === undefined) return 'AccessDenied';
  if (id !== keys.accessKeyId) return 'InvalidAccessKeyId';
  const time = header(req, 'x-amz-date');
  const [year, month, date, hour, minute, second] = time.match(/\d\d(?:\d\d(?=\d{4}T))?/g) ?? [];
  const sentAt = Date.parse(`${year}-${month}-${date}T${hour}:${minute}:${second}Z`);
  if (Math.abs(now - sentAt) > MAX_SKEW_MS) return 'RequestTimeTooSkewed';
  const hash = header(req, 'x-amz-content-sha256');
  if (/^[0-9a-f]{64}$/.test(hash) && hash !== sha256(body)) return 'XAmzContentSHA256Mismatch';
  const request = [
    req.method,
    ...canonicalUrl(req.url ?? '/'),
    ...signedHeaders.split(';').map((name) => `${name}:${header(req, name)}`),
    '',
    signedHeaders,
    hash,
  ].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(request)].join('\n');
  const key = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${keys.secretAccessKey}`,
  );
  return hmac(key, text).toString('hex') === signature ? null : 'SignatureDoesNotMatch';
}

function canonicalUrl(url: string): [path: string, query: string] {
  const [path, query = ''] = url.split('?');
  const parameters = query.split('&').filter((each) => each !== '');
  return [
    path,
    parameters
      .map((each) => (each.includes('=') ? each : `${each}=`))
      .sort()
      .join('&'),
  ];
}

function header(req: IncomingMessage, name: string): string {
  return String(req.headers[name] ?? '').trim();
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
