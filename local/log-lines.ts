// Formats the log of functions for a person at a terminal.
import { logText, type LogLine } from '../functions/lib/log-text.ts';

/** Returns the message and the error of a JSON line; any other line unchanged. */
export function shortLogLine(line: string): string {
  const fields = parsed(line);
  if (fields === null) return line;
  const said = typeof fields.error === 'string' ? `${fields.message}: ${fields.error}` : fields.message;
  return said.replaceAll(/\s*\n\s*/g, ' ');
}

/**
 * Returns a function that prints log lines: each one shortened, and only once. Otherwise a run that cannot
 * write its results would repeat the same line ten times. If the user has set `LOG_LEVEL`, every line is
 * printed in full: as text if `LOG_FORMAT` asks for it, or if `isTerminal` and it does not ask for JSON.
 */
export function logPrinter(
  print: (line: string) => void,
  { LOG_LEVEL, LOG_FORMAT, NO_COLOR }: NodeJS.ProcessEnv,
  isTerminal: boolean,
): (name: string, line: string) => void {
  const printed = new Set<string>();
  const isText = LOG_FORMAT === 'text' || (isTerminal && LOG_FORMAT !== 'json');
  const fullLine = (line: string): string => {
    const fields = isText && parsed(line);
    return fields ? logText(fields, isTerminal && !NO_COLOR) : line;
  };
  return (name, line) => {
    if (LOG_LEVEL) return print(fullLine(line));
    const text = `${name}: ${shortLogLine(line)}`;
    if (!printed.has(text)) print(text);
    printed.add(text);
  };
}

/** Returns what a line of the log says; null for a line that is not of the log. */
function parsed(line: string): LogLine | null {
  try {
    const fields = JSON.parse(line) as LogLine | null;
    return typeof fields?.message === 'string' ? fields : null;
  } catch {
    return null;
  }
}
