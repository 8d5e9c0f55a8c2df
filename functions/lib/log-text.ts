// Shows a line of the log to a person at a terminal: the time, what happened, then the rest, and the stack below.

/** A line of the log. */
export interface LogLine {
  time: string;
  severity: string;
  component: string;
  message: string;
  [field: string]: unknown;
}

const RESET = '\x1b[0m';
const DIM = '\x1b[2m';
const colours: Record<string, string> = { DEBUG: DIM, INFO: '', WARNING: '\x1b[33m', ERROR: '\x1b[31m' };

/** Returns the line as text, without a line end; with colours if `isColoured`. */
export function logText(line: LogLine, isColoured: boolean): string {
  const { time, severity, component, message, stack, ...fields } = line;
  const coloured = (colour: string, text: string) => (isColoured && colour ? colour + text + RESET : text);
  const head = `${clockOf(time)} ${severity.padEnd(7)} ${component.padEnd(8)} ${escaped(message)}`;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${shown(value)}`);
  const lines = [
    [coloured(colours[severity] ?? '', head), ...rest.map((each) => coloured(DIM, each))].join('  '),
  ];
  if (typeof stack === 'string') {
    lines.push(...stack.split('\n').map((frame) => coloured(DIM, `    ${escaped(frame)}`)));
  }
  return lines.join('\n');
}

/** Returns the time of day on this machine. */
function clockOf(time: string): string {
  const date = new Date(time);
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
  const clock = parts.map((part) => String(part).padStart(2, '0')).join(':');
  return `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** Returns a value without quotes if it is a plain word. */
function shown(value: unknown): string {
  if (typeof value === 'string' && /^[\w./:@-]+$/.test(value)) return value;
  return escaped(JSON.stringify(value));
}

/** Returns the text with control characters escaped, so that a file name cannot change how a terminal shows the lines around it. */
function escaped(text: string): string {
  return text.replaceAll(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
