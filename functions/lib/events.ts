// The event inside the pipeline: the last tile of an image is done. blur sends it, assemble receives it.
import { CloudEvent, HTTP, type CloudEventV1, type Headers } from 'cloudevents';
import { Problem } from './errors.ts';
import { isImageId } from './job.ts';
import { mediaTypeOf } from './service/media-type.ts';
import type { TraceHeaders } from './tracing/spans.ts';

export const IMAGE_BLURRED = 'dev.tessera.image.blurred.v1';
const SOURCE = '/tessera/blur';
const STRUCTURED = 'application/cloudevents+json';
const REQUIRED = ['id', 'source', 'type', 'specversion'];
/** Other versions have other attributes. */
const VERSION = '1.0';

/** An event as the headers and the body of an HTTP request or response. */
export interface EventMessage {
  headers: Record<string, string>;
  body: string;
}

/**
 * Returns the event "image `imageId` is blurred" as an HTTP message in binary mode. Its id is always the
 * same each time it is sent. `trace` becomes attributes of the event: CloudEvents' extension for distributed tracing.
 */
export function imageBlurredMessage(imageId: string, trace: TraceHeaders = {}): EventMessage {
  const event = new CloudEvent({
    id: `${imageId}.blurred`,
    type: IMAGE_BLURRED,
    source: SOURCE,
    subject: imageId,
    datacontenttype: 'application/json',
    data: { imageId },
    ...trace,
  });
  const message = HTTP.binary(event);
  return { headers: message.headers as Record<string, string>, body: String(message.body) };
}

/**
 * Returns the image that a received event is about: its subject. Nothing else in the event is used. Throws a
 * {@link Problem}: 415 if it is not a CloudEvent, 400 if it is malformed, 422 if it has another type or no
 * image id.
 */
export function blurredImageId(headers: Headers, body: string): string {
  const event = readEvent(headers, body);
  if (event.type !== IMAGE_BLURRED) {
    throw new Problem('unprocessable-event', `The event's type is ${event.type}, not ${IMAGE_BLURRED}.`);
  }
  if (typeof event.subject !== 'string' || !isImageId(event.subject)) {
    throw new Problem('unprocessable-event', "The event's subject is not the id of an image.");
  }
  return event.subject;
}

/**
 * Returns a received event after checking it against the CloudEvents schema. The library fills in missing
 * attributes, so these are checked first. Throws a {@link Problem}: 415 if it is not a CloudEvent, 400 if it is malformed.
 */
export function readEvent(headers: Headers, body: string): CloudEventV1<unknown> {
  const mediaType = mediaTypeOf(headers);
  const isStructured = mediaType === STRUCTURED;
  if (!isStructured && headers['ce-id'] === undefined) {
    throw new Problem('unsupported-event', 'A CloudEvent in binary or structured mode is required.');
  }
  try {
    const given = isStructured ? (JSON.parse(body) as Record<string, unknown>) : headers;
    for (const attribute of REQUIRED) {
      const value = given[isStructured ? attribute : `ce-${attribute}`];
      if (typeof value !== 'string' || value === '') throw new Error(`it has no ${attribute}`);
      if (attribute === 'specversion' && value !== VERSION)
        throw new Error(`its specversion is ${JSON.stringify(value)}, not "${VERSION}"`);
    }
    // The library compares media types case-sensitively.
    const event = HTTP.toEvent({
      headers: { ...headers, ...(mediaType && { 'content-type': mediaType }) },
      body,
    });
    if (!(event instanceof CloudEvent)) throw new Error('exactly one event is required');
    event.validate();
    return event;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : 'it is not a JSON object';
    throw new Problem('invalid-event', `The CloudEvent cannot be read: ${reason}.`, { cause: error });
  }
}
