// The operations of RFC 6902 that our kustomizations use. An operation that does not fit its document is an
// error.

/** One operation of a JSON patch. */
export interface Operation {
  op: string;
  path: string;
  value?: unknown;
}

type Container = Record<string, unknown> | unknown[];

/** Returns a copy of `document` after all `operations`, in order. Throws if one does not apply. */
export function applyJsonPatch(document: unknown, operations: Operation[]): unknown {
  const copy = structuredClone(document);
  for (const operation of operations) apply(copy, operation);
  return copy;
}

function apply(document: unknown, { op, path, value }: Operation): void {
  const keys = path
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = keys.pop() ?? '';
  const holder = keys.reduce<unknown>((each, key) => (each as Record<string, unknown>)?.[key], document);
  if (typeof holder !== 'object' || holder === null) throw new Error(`${op} ${path}: nothing there`);
  const container = holder as Container;
  if (op !== 'add' && !(last in container)) throw new Error(`${op} ${path}: nothing there`);
  const present = (container as Record<string, unknown>)[last];
  if (op === 'add') add(container, last, structuredClone(value));
  else if (op === 'replace') (container as Record<string, unknown>)[last] = structuredClone(value);
  else if (op === 'remove') remove(container, last);
  else if (op !== 'test') throw new Error(`${op}: unknown operation`);
  else if (JSON.stringify(present) !== JSON.stringify(value)) throw new Error(`test ${path}: another value`);
}

function add(container: Container, key: string, value: unknown): void {
  if (!Array.isArray(container)) container[key] = value;
  else if (key === '-') container.push(value);
  else container.splice(Number(key), 0, value);
}

function remove(container: Container, key: string): void {
  if (Array.isArray(container)) container.splice(Number(key), 1);
  else delete container[key];
}
