// The description of a filter for all functions. Only blur has its pixel code (functions/blur/filters).
import type { ProblemCode } from '../errors.ts';
import { isKernelSize, LARGEST_KERNEL } from '../kernel-size.ts';

export interface Filter {
  /** What a request may choose, by the names that requests use. A recipe contains the values in this order. */
  parameters: Record<string, Parameter>;
  /** Returns how far around a pixel the filter reads. */
  haloPx(values: Values): number;
}

/** The value of each parameter of a filter. */
export type Values = Record<string, number>;

/** A number that a request may choose. */
export interface Parameter {
  /** How it is written in a query or on a command line. */
  pattern: RegExp;
  isAllowed: (value: number) => boolean;
  /** Which values are allowed, for messages and help texts. */
  wanted: string;
  /** Its value if neither the request nor a setting gives one. */
  fallback: number;
  /** The code of the problem for any other value. */
  problem: ProblemCode;
}

/** The size of a kernel. */
export const kernel: Parameter = {
  pattern: /^\d{1,3}$/,
  isAllowed: isKernelSize,
  wanted: `an odd integer from 1 to ${LARGEST_KERNEL}`,
  fallback: 15,
  problem: 'invalid-kernel',
};

/** Returns the value that a text or a number from JSON gives to a parameter, or null if it is not allowed. */
export function readValue({ pattern, isAllowed }: Parameter, given: unknown): number | null {
  const value = typeof given === 'string' && pattern.test(given) ? Number(given) : given;
  return typeof value === 'number' && isAllowed(value) ? value : null;
}
