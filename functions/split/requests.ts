// What a request to split asks for, read and checked before any work.
import { createHash } from 'node:crypto';
import { isKernelSize } from '../lib/kernel-size.ts';
import { Problem } from '../lib/errors.ts';
import { readName, readPath } from '../lib/store/names.ts';

/** The kernel size a query or a JSON field asks for; `fallback` when it asks for none. */
export function kernelOf(value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  const size = typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : value;
  if (typeof size === 'number' && isKernelSize(size)) return size;
  throw new Problem(
    'invalid-kernel',
    `The kernel is ${shown(value)}; an odd integer from 1 to 255 is wanted.`,
  );
}

/** The name an upload is given; that of its bytes when it is given none. */
export function nameOf(value: unknown, bytes: Uint8Array): string {
  if (value === undefined) return createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  if (typeof value === 'string') return readName(value);
  throw new Problem('invalid-name', `The name is ${shown(value)}; one name is wanted.`);
}

/** Which inputs to blur: a file or folder under INPUT_PATH, '' for all of it. */
export interface InputRequest {
  input: string;
  kernelSize: number;
}

/** The request in a JSON body; an empty body asks for everything. */
export function inputRequestOf(body: Buffer, fallbackKernel: number): InputRequest {
  const fields = body.length === 0 ? {} : parseObject(body);
  const unknown = Object.keys(fields).filter((field) => field !== 'input' && field !== 'kernel');
  if (unknown.length > 0) {
    throw new Problem(
      'invalid-request',
      `The body has ${unknown.map(shown).join(', ')}; only "input" and "kernel" are known.`,
    );
  }
  const { input, kernel } = fields;
  if (input !== undefined && typeof input !== 'string')
    throw new Problem('invalid-request', `The input is ${shown(input)}; a path is wanted.`);
  const path = input === undefined ? '' : readPath(input);
  return { input: path, kernelSize: kernelOf(kernel, fallbackKernel) };
}

function parseObject(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch (error) {
    throw new Problem('invalid-request', 'The body is not JSON.', { cause: error });
  }
  throw new Problem('invalid-request', 'The body is not a JSON object.');
}

function shown(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 100) ?? String(value);
}
