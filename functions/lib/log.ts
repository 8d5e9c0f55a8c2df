// Writes one JSON line per event to standard error, with the fields that Knative's log collectors read. Never
// pass a URL with a password.
import { subjectOf } from './error-subject.ts';
import { framesOf, messageOf, stackOf } from './error-text.ts';
import { currentIds } from './tracing/spans.ts';

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LEVELS)[number];

type Fields = Record<string, unknown>;

export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

/**
 * Returns a log of `component` that drops lines below `level`. An `error` among the fields is shown with its
 * causes and its subject; in warnings and errors also with its stack. Bytes are shown as their number.
 */
export function createLog(component: string, level: LogLevel): Log {
  const write =
    (severity: LogLevel) =>
    (message: string, fields: Fields = {}) => {
      if (LEVELS.indexOf(severity) < LEVELS.indexOf(level)) return;
      const { error } = fields;
      const isError = error instanceof Error;
      const hasStack = isError && (severity === 'warn' || severity === 'error');
      const line = {
        time: new Date().toISOString(),
        severity,
        component,
        message,
        ...currentIds(),
        ...(isError && subjectOf(error)),
        ...fields,
        ...(hasStack && { stack: `${stackOf(error)}\nLogged\n${framesOf(new Error('logged here'))}` }),
      };
      process.stderr.write(`${inAscii(JSON.stringify(line, plain))}\n`);
    };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/** Returns the same JSON in ASCII, so that a file name cannot change how a terminal shows the lines around it. */
function inAscii(json: string): string {
  return json.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Replaces values that JSON does not show usefully: it makes `{}` of an error, and shows every byte of a buffer. */
function plain(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const original = this[key]; // `value` is already the result of toJSON.
  if (original instanceof Error) return messageOf(original);
  if (ArrayBuffer.isView(original)) return `${original.byteLength} bytes`;
  return value;
}
