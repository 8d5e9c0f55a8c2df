// How every command reads its options and says that it was called wrongly.
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { readValue, type Parameter } from '../../functions/lib/filters/filter.ts';

/** The command was called wrongly; the message says how. */
export class UsageError extends Error {}

const CALLED_WRONGLY = 2;
const HIGHEST = 1_000_000_000;

/** As node:util's. Throws a {@link UsageError} for an option that is unknown or lacks its value. */
export function parseOptions<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const [line] = (error as Error).message.split('\n');
    throw new UsageError(line, { cause: error });
  }
}

/** The number that the option `name` gives. Throws a {@link UsageError} for any other text. */
export function wholeNumber(name: string, text: string, min = 1, max = HIGHEST): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  const range = max === HIGHEST ? `from ${min}` : `from ${min} to ${max}`;
  throw new UsageError(`--${name} is ${text}; a whole number ${range} is required`);
}

/** Returns the value that the option `name` gives to a filter's parameter. Throws a {@link UsageError} for any other text. */
export function parameterValue(name: string, text: string, parameter: Parameter): number {
  const value = readValue(parameter, text);
  if (value !== null) return value;
  throw new UsageError(`--${name} is ${text}; ${parameter.wanted} is required`);
}

/** The one of `choices` that the option `name` gives. Throws a {@link UsageError} for any other text. */
export function oneOf<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((each) => each === text);
  if (choice !== undefined) return choice;
  throw new UsageError(`--${name} is ${text}; one of ${choices.join(', ')} is required`);
}

/**
 * Runs a command: its status is the process's. A {@link UsageError} is one line and exit 2; any other error is shown whole,
 * with exit `faultStatus`.
 */
export async function runCommand(main: () => Promise<number>, faultStatus: number): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    const isUsage = error instanceof UsageError;
    console.error(isUsage ? `error: ${error.message} (--help tells more)` : error);
    process.exitCode = isUsage ? CALLED_WRONGLY : faultStatus;
  }
}
