// Distinguishes events from images and other requests. bucket-events.ts reads them; it is only loaded for an event.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { EVENTS_PATH, withoutEventToken } from '../lib/service/event-path.ts';
import { mediaTypeOf } from '../lib/service/media-type.ts';
import { targetOf } from './requests.ts';

export const STRUCTURED = 'application/cloudevents+json';
export const BATCH = 'application/cloudevents-batch+json';

/** Returns whether the headers are those of a CloudEvent. */
export function isCloudEvent(headers: IncomingHttpHeaders): boolean {
  return headers['ce-type'] !== undefined || [STRUCTURED, BATCH].includes(mediaTypeOf(headers));
}

/** Returns whether a request is an event, as far as its head shows. */
export function isEventRequest({ headers, url = '' }: Pick<IncomingMessage, 'headers' | 'url'>): boolean {
  return targetOf(withoutEventToken(url)).path === EVENTS_PATH || isCloudEvent(headers);
}

/**
 * Returns whether JSON is a notification of S3 or an event of EventBridge as it is, without a CloudEvent around it. No other
 * request has these fields.
 */
export function isNotification(json: unknown): json is Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return false;
  const { Records, Event, 'detail-type': detailType } = json as Record<string, unknown>;
  return Array.isArray(Records) || Event === 's3:TestEvent' || typeof detailType === 'string';
}

/** Returns whether the body of a request is a notification. */
export function isNotificationBody(headers: IncomingHttpHeaders, body: Buffer): boolean {
  if (mediaTypeOf(headers) !== 'application/json') return false;
  try {
    return isNotification(JSON.parse(body.toString()));
  } catch {
    return false;
  }
}
