// Checks events against the JSON Schemas in docs/events. The validator is ajv, because the package cloudevents depends on it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { HTTP, type CloudEventV1 } from 'cloudevents';
import type { EventMessage } from '../../functions/lib/events.ts';

const FOLDER = join(import.meta.dirname, '../../docs/events');

/** Returns an event as the CloudEvent that a receiver reads from it. */
export function readEvent({ headers, body }: EventMessage): CloudEventV1<Record<string, unknown>> {
  return HTTP.toEvent({ headers, body }) as CloudEventV1<Record<string, unknown>>;
}

/** Returns how an event differs from the schema of its type; nothing if it does not. Throws if its type has none. */
export function schemaFaults(message: EventMessage): string[] {
  const event = JSON.parse(JSON.stringify(readEvent(message))) as { type: string };
  const schema = JSON.parse(readFileSync(join(FOLDER, `${event.type}.json`), 'utf8')) as object;
  const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
  formats.default(ajv);
  const isValid = ajv.compile(schema);
  isValid(event);
  return (isValid.errors ?? []).map(({ instancePath, message: fault }) => `${instancePath} ${fault}`);
}
