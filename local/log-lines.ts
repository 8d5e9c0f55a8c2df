// Formats the log of functions for a person at a terminal.

/** Returns the message and the error of a JSON line; any other line unchanged. */
export function shortLogLine(line: string): string {
  try {
    const { message, error } = JSON.parse(line) as { message?: string; error?: string };
    const said = [message, error].filter((each) => each !== undefined).join(': ');
    return said === '' ? line : said.replaceAll(/\s*\n\s*/g, ' ');
  } catch {
    return line;
  }
}

/**
 * Returns a function that prints log lines: each one shortened, and only once. Otherwise a run that cannot
 * write its results would repeat the same line ten times. If the user has set `LOG_LEVEL`, every line is
 * printed in full.
 */
export function logPrinter(
  print: (line: string) => void,
  { LOG_LEVEL }: NodeJS.ProcessEnv,
): (name: string, line: string) => void {
  const printed = new Set<string>();
  return (name, line) => {
    if (LOG_LEVEL) return print(line);
    const text = `${name}: ${shortLogLine(line)}`;
    if (!printed.has(text)) print(text);
    printed.add(text);
  };
}
