// OTEL_BSP_…: how spans are collected into batches, and how long it may take to send one. The SDK does not check these numbers.
type Environment = Record<string, string | undefined>;

export interface Batches {
  scheduledDelayMillis: number;
  maxQueueSize: number;
  maxExportBatchSize: number;
  exportTimeoutMillis: number;
}

/** The longest time of a timer of Node. */
const MAX = 2 ** 31 - 1;
/** A fifth of OpenTelemetry's own default, because a process that is killed loses the spans of this time. */
const SCHEDULE_DELAY_MS = 1000;
const TIMEOUTS = ['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT'];

/** Returns what the environment asks for. Calls `warn` for values that it cannot use, and uses the default. */
export function batchesOf(env: Environment, warn: (reason: string) => void): Batches {
  const read = (name: string, min: number, fallback: number): number => {
    const text = env[name]?.trim();
    const value = Number(text);
    if (!text) return fallback;
    if (Number.isInteger(value) && value >= min && value <= MAX) return value;
    warn(`${name}: ${JSON.stringify(text)} is not an integer from ${min} to ${MAX}; ${fallback} is used`);
    return fallback;
  };
  const maxQueueSize = read('OTEL_BSP_MAX_QUEUE_SIZE', 1, 2048);
  const batchSize = read('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 1, Math.min(512, maxQueueSize));
  if (batchSize > maxQueueSize) {
    warn(
      `OTEL_BSP_MAX_EXPORT_BATCH_SIZE: the queue only has ${maxQueueSize} places, so batches are that large`,
    );
  }
  return {
    maxQueueSize,
    maxExportBatchSize: Math.min(batchSize, maxQueueSize),
    scheduledDelayMillis: read('OTEL_BSP_SCHEDULE_DELAY', 0, SCHEDULE_DELAY_MS),
    exportTimeoutMillis: read('OTEL_BSP_EXPORT_TIMEOUT', 1, 30_000),
  };
}

/** Returns a time-out in place of one that is too long for Node; undefined if there is none. The SDK checks the rest. */
export function shorterTimeoutOf(env: Environment, warn: (reason: string) => void): number | undefined {
  const valueOf = (name: string) => Number(env[name]);
  const name = TIMEOUTS.find((each) => valueOf(each) > 0 && Number.isFinite(valueOf(each)));
  if (name === undefined || valueOf(name) <= MAX) return undefined;
  warn(`${name}: ${JSON.stringify(env[name])} is longer than ${MAX}, which is used`);
  return MAX;
}
