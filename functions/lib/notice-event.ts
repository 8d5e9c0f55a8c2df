// The events for receivers outside of Tessera: an image is done, or has failed. A worker sends them from the outbox of notices,
// and assemble replies with one to a Broker. docs/events has their schemas.
import { CloudEvent, HTTP } from 'cloudevents';
import type { EventMessage } from './events.ts';
import { parametersOf } from './filters/recipe.ts';
import { DEFAULT_FILTER } from './filters/registry.ts';
import type { EndedImage } from './queue/notices.ts';
import type { Locations } from './store/locations.ts';
import { traceAttributes } from './tracing/spans.ts';

const IMAGE_DONE = 'dev.tessera.image.done.v1';
const IMAGE_FAILED = 'dev.tessera.image.failed.v1';
/** The same for every sender, because source and id together identify an event. */
const SOURCE = '/tessera';

/**
 * Returns the event that an image is done or has failed, as an HTTP message in binary mode. Its id and its data are the
 * same each time it is sent.
 */
export function noticeMessage(image: EndedImage, locations: Locations): EventMessage {
  const { id, state, endedAt, trace } = image;
  const isDone = state === 'done';
  const event = new CloudEvent({
    id: `${id}.${state}.${endedAt}`,
    type: isDone ? IMAGE_DONE : IMAGE_FAILED,
    source: SOURCE,
    subject: id,
    ...traceAttributes(trace ?? ''),
    time: isoTime(endedAt),
    datacontenttype: 'application/json',
    data: isDone ? doneData(image, locations) : failedData(image, locations),
  });
  const message = HTTP.binary(event);
  return { headers: message.headers as Record<string, string>, body: String(message.body) };
}

function doneData(image: EndedImage, locations: Locations) {
  return {
    ...commonData(image, locations),
    output: { name: image.output, location: locations.output(image.output) },
    result: `/images/${image.id}/result`,
  };
}

function failedData(image: EndedImage, locations: Locations) {
  return { ...commonData(image, locations), reason: image.error };
}

function commonData(image: EndedImage, locations: Locations) {
  const { id, name, owner, isStored, width, height, tiles, recipe, createdAt, blurredAt, endedAt } = image;
  return {
    imageId: id,
    name,
    owner: owner || null,
    input: isStored ? { name, location: locations.input(name) } : null,
    width,
    height,
    tiles,
    filter: DEFAULT_FILTER,
    ...parametersOf(recipe),
    createdAt: isoTime(createdAt),
    blurredAt: isoTime(blurredAt) ?? null,
    endedAt: isoTime(endedAt),
    ms: endedAt === null ? null : endedAt - createdAt,
  };
}

function isoTime(ms: number | null): string | undefined {
  return ms === null ? undefined : new Date(ms).toISOString();
}
