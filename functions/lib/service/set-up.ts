// The first step of a function: it reads its settings and opens its log. From then on every fatal error is
// logged.
import { loadConfig, type Config } from '../config.ts';
import { createLog, type Log } from '../log.ts';
import { awaitMeter } from '../metrics/measure.ts';
import { FaultLog } from '../redis/fault-log.ts';

/**
 * Returns the settings and the logs of the function called `component`. Ends the process with status 1 if a setting is invalid,
 * and later if an error is not caught, each with one line in the log. `check` throws an Error for settings that do not fit
 * together in this function.
 */
export function setUp(
  component: string,
  check: (config: Config) => void = () => {},
): { config: Config; log: Log; faults: FaultLog } {
  try {
    const config = loadConfig();
    check(config);
    if (config.metricsPort !== 0) awaitMeter();
    const log = createLog(component, config.logLevel, config.logFormat);
    process.removeAllListeners('warning'); // Node would print its warnings between the JSON lines.
    process.on('warning', (error) => log.warn('A warning from Node', { error }));
    process.on('uncaughtException', (error) => end(log, 'An error was not caught', error));
    return { config, log, faults: new FaultLog(log) };
  } catch (error) {
    return end(createLog(component, 'error'), 'The settings are invalid', error);
  }
}

function end(log: Log, message: string, error: unknown): never {
  log.error(message, { error });
  process.exit(1);
}
