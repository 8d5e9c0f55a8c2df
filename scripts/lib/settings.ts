// How commands read the settings of the functions.
import { loadConfig, type Config } from '../../functions/lib/config.ts';
import { UsageError } from './options.ts';

/** Returns the settings in `env`. Throws a {@link UsageError} of one line that names every invalid variable. */
export function readSettings(env: Record<string, string | undefined>): Config {
  try {
    return loadConfig(env);
  } catch (error) {
    const [first, ...faults] = (error as Error).message.split('\n');
    throw new UsageError(`${first} ${faults.map((fault) => fault.trim()).join('; ')}`, { cause: error });
  }
}
