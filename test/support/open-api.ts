// The OpenAPI document of split, to compare answers with it. The validator is ajv, as for events: it knows JSON Schema 2020-12,
// which OpenAPI 3.1 uses.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

export interface Schema {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  allOf?: Schema[];
  items?: Schema;
  not?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean;
  required?: string[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  multipleOf?: number;
}

interface ResponseObject {
  $ref?: string;
  headers?: Record<string, { $ref?: string; required?: boolean }>;
  content?: Record<string, { schema: Schema }>;
}

export interface Parameter {
  name: string;
  in: 'query' | 'path' | 'header';
  schema: Schema;
}

export interface Operation {
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, ResponseObject>;
}

type PathItem = Record<string, Operation> & { parameters?: Parameter[] };

export interface OpenApi {
  openapi: string;
  info: { version: string };
  paths: Record<string, PathItem>;
  components: { schemas: Record<string, Schema>; responses: Record<string, ResponseObject> };
}

/** An answer to compare with the document. */
export interface Answer {
  status: number;
  headers: Headers;
  body: Uint8Array;
}

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options', 'trace'];

export class ApiDocument {
  readonly document: OpenApi;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true, multipleOfPrecision: 6 });
  readonly #validators = new Map<string, ValidateFunction>();
  /** `METHOD path status` of every answer that was compared. */
  readonly seen = new Set<string>();

  constructor(document: OpenApi) {
    this.document = document;
    formats.default(this.#ajv);
    this.#ajv.addSchema(strict(structuredClone(document)) as object, 'api');
  }

  /** Returns every operation as `METHOD path`. */
  operations(): string[] {
    return Object.entries(this.document.paths).flatMap(([path, item]) =>
      METHODS.filter((method) => method in item).map((method) => `${method.toUpperCase()} ${path}`),
    );
  }

  operation(method: string, path: string): Operation {
    return this.document.paths[path][method.toLowerCase()];
  }

  /** Returns the schema that a reference leads to, or the schema itself. */
  resolve<T extends { $ref?: string }>(object: T): T {
    return object.$ref === undefined ? object : (pointed(this.document, object.$ref) as T);
  }

  isValid(schema: Schema, value: unknown): boolean {
    const key = JSON.stringify(schema);
    let validate = this.#validators.get(key);
    if (validate === undefined) {
      const absolute = JSON.parse(key.replaceAll('"#/', '"api#/')) as object;
      validate = this.#ajv.compile(strict(absolute) as object);
      this.#validators.set(key, validate);
    }
    return validate(value);
  }

  /** Returns how an answer to `METHOD path` differs from the document; nothing if it does not. */
  faults(method: string, path: string, { status, headers, body }: Answer): string[] {
    this.seen.add(`${method} ${path} ${status}`);
    const declared = this.operation(method, path).responses[status];
    const where = `${method} ${path} ${status}`;
    if (declared === undefined) return [`${where} is not declared: ${Buffer.from(body).toString()}`];
    const response = this.resolve(declared);
    const missing = Object.entries(response.headers ?? {})
      .filter(([name, header]) => this.resolve(header).required && !headers.has(name))
      .map(([name]) => `${where} has no ${name}`);
    if (method === 'HEAD' || body.length === 0) return missing;
    const type = headers.get('content-type')?.split(';')[0] ?? '';
    const content = response.content?.[type];
    if (content === undefined) return [...missing, `${where} has the type ${type}, which is not declared`];
    if (!type.endsWith('json')) return missing;
    const value = JSON.parse(Buffer.from(body).toString()) as unknown;
    return this.isValid(content.schema, value)
      ? missing
      : [...missing, `${where} does not fit its schema: ${JSON.stringify(value)}`];
  }
}

/** Makes schemas refuse fields that they do not name. In the document that is left out, so that answers may get more fields. */
function strict(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(strict);
  if (typeof node !== 'object' || node === null) return node;
  const fields = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, strict(value)]));
  const isClosed = fields.type === 'object' && 'properties' in fields && !('additionalProperties' in fields);
  return isClosed ? { ...fields, additionalProperties: false } : fields;
}

function pointed(document: object, ref: string): unknown {
  return ref
    .slice(2)
    .split('/')
    .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key.replaceAll('~1', '/')], document);
}
