// Values that fit a schema of the OpenAPI document, and values that do not, for fast-check.
import fc, { type Arbitrary } from 'fast-check';
import type { ApiDocument, Schema } from './open-api.ts';

/** Returns values that fit the schema. Only for what the document uses. */
export function fitting(api: ApiDocument, given: Schema): Arbitrary<unknown> {
  const schema = api.resolve(given);
  const valid = (value: unknown) => api.isValid(schema, value);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((each) => fitting(api, each)));
  const { minimum = 0, maximum = 0, pattern, properties = {}, required = [] } = schema;
  switch (schema.type) {
    case 'integer':
      return fc.integer({ min: minimum, max: maximum }).filter(valid);
    case 'number':
      return fc.integer({ min: minimum * 100, max: maximum * 100 }).map((hundredths) => hundredths / 100);
    case 'string':
      return fc
        .stringMatching(new RegExp(pattern ?? '', 'u'))
        .filter((text) => text.isWellFormed() && valid(text));
    case 'object':
      return fc.record(
        Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, fitting(api, each)])),
        { requiredKeys: required },
      );
    default:
      throw new Error(`There are no values for ${JSON.stringify(schema)}`);
  }
}

/** Returns JSON objects that do not fit the schema: good ones with one field that is wrong, or one that is unknown. */
export function misfits(
  api: ApiDocument,
  schema: Schema,
  fields: string[],
): Arbitrary<Record<string, unknown>> {
  const good = fitting(api, schema) as Arbitrary<Record<string, unknown>>;
  const name = fc.oneof(fc.constantFrom(...fields), fc.string({ minLength: 1 }));
  return (
    fc
      .tuple(good, name, fc.jsonValue())
      // Not by assignment, which would take `__proto__` for the prototype and not for a field.
      .map(([object, field, value]) => Object.fromEntries([...Object.entries(object), [field, value]]))
      .filter((object) => !api.isValid(schema, object))
  );
}
