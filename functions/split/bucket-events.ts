// Reads what senders post when objects were written to a bucket: the notifications of S3, MinIO and Ceph as they are, the events
// of Amazon EventBridge, and CloudEvents about S3 and Google Cloud Storage. docs/adr/0028-bucket-events.md names the senders.
import type { IncomingHttpHeaders } from 'node:http';
import type { CloudEventV1 } from 'cloudevents';
import { Problem } from '../lib/errors.ts';
import { readEvent } from '../lib/events.ts';
import { mediaTypeOf } from '../lib/service/media-type.ts';
import { BATCH, isCloudEvent, isNotification, STRUCTURED } from './event-request.ts';

/** An object that was written, as its event describes it. */
export interface WrittenObject {
  bucket: string;
  /** Its key. If the event does not say whether the key is URL-encoded, also the key as it was sent. */
  keys: string[];
  sizeBytes: number | null;
  etag: string | null;
  /** The object's metadata, by names in lower case without `x-amz-meta-`; null if the event does not contain it. */
  metadata: Record<string, string> | null;
}

const GOOGLE_FINALIZED = 'google.cloud.storage.object.v1.finalized';
/** `com.amazonaws.s3.ObjectCreated:Put`, `com.amazon.s3.objectcreated`, `com.amazonaws.ObjectCreated:Put`, `aws.s3.object.created`. */
const AMAZON_CREATED = /^(com\.amazon(aws)?|aws)[.:](s3[.:])?object[.:]?created\b/i;
/** `ObjectCreated:Put` of S3 and Ceph, `s3:ObjectCreated:Put` of MinIO, `Object Created` of EventBridge. */
const CREATED = /^(s3:)?object ?created\b/i;

type Json = Record<string, unknown>;

/**
 * Returns the objects that a request says were written. None if it is about something else. Throws a {@link Problem}: 415 if it
 * is not an event, 400 if it is malformed.
 */
export function writtenObjects(headers: IncomingHttpHeaders, body: string): WrittenObject[] {
  if (mediaTypeOf(headers) === BATCH) return batchOf(body).flatMap((each) => ofEvent(structured(each)));
  if (isCloudEvent(headers)) return ofEvent(readEvent(headers, body));
  const json = parseJson(body);
  if (isNotification(json)) return ofData(json);
  throw new Problem(
    'unsupported-event',
    'The body is neither a CloudEvent nor a notification about a bucket.',
  );
}

function batchOf(body: string): unknown[] {
  const events = parseJson(body);
  if (Array.isArray(events)) return events;
  throw new Problem('invalid-event', 'The batch of CloudEvents is not a list.');
}

function structured(event: unknown): CloudEventV1<unknown> {
  return readEvent({ 'content-type': STRUCTURED }, JSON.stringify(event));
}

function ofEvent(event: CloudEventV1<unknown>): WrittenObject[] {
  const { type, data } = event;
  const text = event.data_base64 === undefined ? data : Buffer.from(event.data_base64, 'base64').toString();
  const json = typeof text === 'string' ? parseJson(text) : text;
  if (type === GOOGLE_FINALIZED) return [ofGoogle(event, json)];
  if (!AMAZON_CREATED.test(type)) return [];
  const objects = isObject(json) ? ofData(json) : [];
  if (objects.length === 0) throw new Problem('invalid-event', 'The event names no object.');
  return objects;
}

function ofGoogle({ subject = '', source }: CloudEventV1<unknown>, data: unknown): WrittenObject {
  const { bucket, name, size, metadata } = isObject(data) ? data : {};
  return {
    bucket: textOf(bucket) ?? /\/buckets\/([^/]+)/.exec(source)?.[1] ?? '',
    keys: [textOf(name) ?? subject.replace(/^objects\//, '')],
    sizeBytes: sizeOf(size),
    etag: null, // Not that of its XML API.
    metadata: metadataOf(metadata) ?? {}, // Left out if there is none.
  };
}

/** Returns the objects that were written in a notification, an event of EventBridge, or the data of a CloudEvent of either. */
function ofData(data: Json): WrittenObject[] {
  if (Array.isArray(data.Records)) return data.Records.filter(isObject).flatMap(ofRecord);
  if (isObject(data.detail)) return CREATED.test(String(data['detail-type'])) ? ofBridge(data.detail) : [];
  if (isObject(data.s3)) return ofRecord({ eventName: 'ObjectCreated', ...data });
  if (!isObject(data.object)) return [];
  return 'reason' in data || 'etag' in data.object ? ofBridge(data) : ofS3(data);
}

function ofRecord({ eventName, s3 }: Json): WrittenObject[] {
  if (!CREATED.test(String(eventName))) return [];
  if (!isObject(s3)) throw new Problem('invalid-event', 'A record of the notification names no object.');
  return ofS3(s3);
}

/** S3 and MinIO encode keys as in a query, and so should Ceph. */
function ofS3({ bucket, object }: Json): WrittenObject[] {
  const { key, size, eTag, userMetadata, metadata } = isObject(object) ? object : {};
  const given = textOf(key) ?? '';
  const decoded = decodedKey(given);
  return [
    {
      bucket: nameOf(bucket),
      keys: decoded === given ? [given] : [decoded, given],
      sizeBytes: sizeOf(size),
      etag: etagOf(eTag),
      metadata: metadataOf(userMetadata ?? metadata),
    },
  ];
}

/** EventBridge sends keys as they are. */
function ofBridge({ bucket, object }: Json): WrittenObject[] {
  const { key, size, etag } = isObject(object) ? object : {};
  return [
    {
      bucket: nameOf(bucket),
      keys: [textOf(key) ?? ''],
      sizeBytes: sizeOf(size),
      etag: etagOf(etag),
      metadata: null,
    },
  ];
}

function decodedKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return key;
  }
}

/** MinIO and Google send an object, Ceph a list of `{key, val}`. */
function metadataOf(given: unknown): Record<string, string> | null {
  if (!isObject(given) && !Array.isArray(given)) return null;
  const pairs = Array.isArray(given)
    ? given.filter(isObject).map(({ key, val }) => [key, val] as const)
    : Object.entries(given);
  return Object.fromEntries(
    pairs.map(([name, value]) => [
      String(name)
        .toLowerCase()
        .replace(/^x-amz-meta-/, ''),
      String(value),
    ]),
  );
}

function nameOf(bucket: unknown): string {
  return (isObject(bucket) && textOf(bucket.name)) || '';
}

/** Ceph and Google send sizes as text. */
function sizeOf(size: unknown): number | null {
  return size === undefined || size === null || size === '' ? null : Number(size);
}

/** Some senders put it in quotes, as in a header. */
function etagOf(etag: unknown): string | null {
  return textOf(etag)?.replaceAll('"', '') ?? null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Problem('invalid-event', 'The event is not JSON.', { cause: error });
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
