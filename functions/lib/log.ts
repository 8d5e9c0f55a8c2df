// One JSON line an event on standard error, in the fields Knative's log collectors read. Never pass an image's bytes
// or a URL with a password here.

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LEVELS)[number];

type Fields = Record<string, unknown>;

export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

/** A log of `component` that drops what is below `level`. Errors among the fields are shown with their causes. */
export function createLog(component: string, level: LogLevel): Log {
  const write =
    (severity: LogLevel) =>
    (message: string, fields: Fields = {}) => {
      if (LEVELS.indexOf(severity) < LEVELS.indexOf(level)) return;
      const shown = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plain(value)]));
      const line = { time: new Date().toISOString(), severity, component, message, ...shown };
      process.stderr.write(`${inAscii(JSON.stringify(line))}\n`);
    };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/** The same JSON in ASCII: a file's name must not change how a terminal shows the lines around it. */
function inAscii(json: string): string {
  return json.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function plain(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const cause = value.cause === undefined ? '' : ` (cause: ${String(plain(value.cause))})`;
  return `${value.name}: ${value.message}${cause}`;
}
