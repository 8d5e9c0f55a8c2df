// Events about a bucket as senders post them, for tests.

/** The name of the test's bucket with STORE=s3 (store-home.ts). With STORE=file any name is right. */
export const BUCKET = 'tests';

export interface WrittenKey {
  key: string;
  bucket?: string;
  size?: number;
  eTag?: string;
  userMetadata?: Record<string, string>;
}

/** Returns a notification about keys under `prefix` as MinIO posts it; without metadata as S3 does. */
export function notificationOf(prefix: string, ...written: WrittenKey[]): string {
  const Records = written.map(({ key, bucket = BUCKET, ...object }) => ({
    eventVersion: '2.1',
    eventSource: 'minio:s3',
    eventName: 's3:ObjectCreated:Put',
    s3: {
      bucket: { name: bucket },
      object: { key: encodeURIComponent(prefix + key).replaceAll('%20', '+'), ...object },
    },
  }));
  return JSON.stringify({ EventName: 's3:ObjectCreated:Put', Key: `${BUCKET}/x`, Records });
}

export interface EventAnswer {
  status: number;
  headers: Headers;
  text: string;
  images: { id: string; name: string; status: string; error?: { code: string } }[];
  ignored: { key: string; reason: string }[];
}

/** Posts an event to split. */
export async function postEvent(
  url: string,
  body: string,
  headers: Record<string, string> = { 'content-type': 'application/json' },
): Promise<EventAnswer> {
  const response = await fetch(url, { method: 'POST', body, headers });
  const text = await response.text();
  const { images = [], ignored = [] } = (
    text.startsWith('{') ? JSON.parse(text) : {}
  ) as Partial<EventAnswer>;
  return { status: response.status, headers: response.headers, text, images, ignored };
}
