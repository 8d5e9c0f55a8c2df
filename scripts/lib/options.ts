// How every command parses its options, and reports wrong ones.
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { readValue, type Parameter } from '../../functions/lib/filters/filter.ts';

/** The command was called wrongly; the message says how. */
export class UsageError extends Error {}

/** The command cannot do its work; the message says why, and a stack trace would not help. */
export class CommandError extends Error {}

const CALLED_WRONGLY = 2;
const HIGHEST = 1_000_000_000;

/** Like node:util's. Throws a {@link UsageError} for an option that is unknown or has no value. */
export function parseOptions<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const [line] = (error as Error).message.split('\n');
    throw new UsageError(shortened(line), { cause: error });
  }
}

/** Returns Node's message about a wrong option, without its explanations. */
function shortened(message: string): string {
  const [, unknown] = /^Unknown option '([^']*)'/.exec(message) ?? [];
  if (unknown !== undefined) return `unknown option ${unknown}`;
  const [, lacking] =
    /^Option '(?:-\w, )?(.*?)(?: <value>)?' argument (?:missing|is ambiguous)/.exec(message) ?? [];
  if (lacking !== undefined) return `${lacking} needs a value`;
  return message;
}

/** Returns the number that the option or the setting `name` gives. Throws a {@link UsageError} for any other text. */
export function wholeNumber(name: string, text: string, min = 1, max = HIGHEST): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  const range = max === HIGHEST ? `from ${min}` : `from ${min} to ${max}`;
  throw new UsageError(`${shown(name)} is ${text}; a whole number ${range} is required`);
}

/** Returns the value that the option or the setting `name` gives to a filter's parameter. Throws a {@link UsageError} for any other text. */
export function parameterValue(name: string, text: string, parameter: Parameter): number {
  const value = readValue(parameter, text);
  if (value !== null) return value;
  throw new UsageError(`${shown(name)} is ${text}; ${parameter.wanted} is required`);
}

/** Returns the one of `choices` that the option or the setting `name` gives. Throws a {@link UsageError} for any other text. */
export function oneOf<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((each) => each === text);
  if (choice !== undefined) return choice;
  throw new UsageError(`${shown(name)} is ${text}; one of ${choices.join(', ')} is required`);
}

/** Settings are in capitals: `TILE_SIZE`, but `--tile`. */
function shown(name: string): string {
  return name === name.toUpperCase() ? name : `--${name}`;
}

/**
 * Runs a command and sets the exit status to its result. A {@link UsageError} is shown as one line, with exit
 * 2, and a {@link CommandError} as one line, with exit `faultStatus`. Any other error is shown with its
 * stack, with exit `faultStatus`.
 */
export async function runCommand(main: () => Promise<number>, faultStatus: number): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    const isUsage = error instanceof UsageError;
    if (isUsage) console.error(`error: ${error.message} (try --help)`);
    else console.error(error instanceof CommandError ? `error: ${error.message}` : error);
    process.exitCode = isUsage ? CALLED_WRONGLY : faultStatus;
  }
}
