// Writes one JSON line per event to standard error, with the fields and severities that Cloud Logging and other collectors read. A
// terminal gets text instead. Never pass a URL with a password.
import { isatty } from 'node:tty';
import { subjectOf } from './error-subject.ts';
import { framesOf, messageOf, stackOf } from './error-text.ts';
import { logText, type LogLine } from './log-text.ts';
import { currentIds } from './tracing/spans.ts';

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LEVELS)[number];
/** `auto`: text for a terminal, JSON for everything else. */
export type LogFormat = 'auto' | 'json' | 'text';

const severities = { debug: 'DEBUG', info: 'INFO', warn: 'WARNING', error: 'ERROR' };
const STDERR = 2;

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
export function createLog(component: string, level: LogLevel, format: LogFormat = 'auto'): Log {
  const isTerminal = isatty(STDERR);
  const isText = format === 'text' || (format === 'auto' && isTerminal);
  const write =
    (of: keyof typeof severities) =>
    (message: string, fields: Fields = {}) => {
      if (LEVELS.indexOf(of) < LEVELS.indexOf(level)) return;
      const { error } = fields;
      const isError = error instanceof Error;
      const hasStack = isError && (of === 'warn' || of === 'error');
      const line = {
        time: new Date().toISOString(),
        severity: severities[of],
        component,
        message,
        ...currentIds(),
        ...(isError && subjectOf(error)),
        ...fields,
        ...(hasStack && { stack: `${stackOf(error)}\nLogged\n${framesOf(new Error('logged here'))}` }),
      };
      const json = JSON.stringify(line, plain);
      const text = isText
        ? logText(JSON.parse(json) as LogLine, isTerminal && !process.env.NO_COLOR)
        : inAscii(json);
      process.stderr.write(`${text}\n`);
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
