// What functions log, as a person at a terminal wants to see it.

/** The message and the error of a line in JSON; any other line as it is. */
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
 * Returns a function that prints the lines of functions: each in short and once. A run that cannot write its results would
 * say so ten times. Where the user has chosen a `LOG_LEVEL`, every line is printed whole.
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
