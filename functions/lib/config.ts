// Reads all settings from the environment, once. `loadConfig` reports all invalid settings together, so that
// one look at the log shows everything that is wrong.

import {
  accessTokens,
  doneSink,
  fraction,
  inputRules,
  integer,
  kernel,
  matching,
  NONE,
  oneOf,
  type Parse,
  redisUrl,
  s3Endpoint,
  sink,
  text,
  wakeUrl,
} from './setting-values.ts';
import { isWithin, parseS3Place } from './store/s3-place.ts';

type Environment = Record<string, string | undefined>;

const MEBIBYTE = 1024 * 1024;
const DAY_S = 24 * 60 * 60;

/** Every setting: its environment variable, its parser, and its default. */
const settings = {
  redisUrl: ['REDIS_URL', redisUrl, 'redis://127.0.0.1:6379'],
  keyPrefix: [
    'KEY_PREFIX',
    matching(/^[A-Za-z0-9{}_.-]{1,64}$/, '1 to 64 letters, digits or {}_.-'),
    'image',
  ],
  queueMode: ['QUEUE_MODE', oneOf('lease', 'naive'), 'lease'],
  store: ['STORE', oneOf('file', 'redis', 's3'), 'file'],
  inputPath: ['INPUT_PATH', text, 'input'],
  outputPath: ['OUTPUT_PATH', text, 'output'],
  s3Endpoint: ['S3_ENDPOINT', s3Endpoint, 'aws'],
  s3Region: ['S3_REGION', matching(/^[A-Za-z0-9-]{1,64}$/, 'the name of a region, or auto'), 'auto'],
  s3PathStyle: ['S3_PATH_STYLE', oneOf('auto', 'on', 'off'), 'auto'],
  kernelSize: ['KERNEL_SIZE', kernel, '15'],
  tileSizePx: ['TILE_SIZE', integer(1, 512), '256'],
  leaseMs: ['LEASE_MS', integer(100, 3_600_000), '30000'],
  maxAttempts: ['MAX_ATTEMPTS', integer(1, 100), '5'],
  retryBaseMs: ['RETRY_BASE_MS', integer(1, 3_600_000), '500'],
  announceRetryMs: ['ANNOUNCE_RETRY_MS', integer(1, 3_600_000), '5000'],
  maxAnnouncements: ['MAX_ANNOUNCEMENTS', integer(1, 1_000_000), '120'],
  concurrency: ['CONCURRENCY', integer(1, 64), '1'],
  consumer: ['CONSUMER', oneOf('on', 'off'), 'on'],
  sink: ['K_SINK', sink, 'http://127.0.0.1:8082'],
  doneSink: ['DONE_SINK', doneSink, NONE],
  // With the notifier's margin it must not exceed half a minute, the longest that a notice can be held back.
  doneTimeoutMs: ['DONE_TIMEOUT_MS', integer(100, 25_000), '25000'],
  assembleUrl: ['ASSEMBLE_URL', wakeUrl, NONE],
  maxBodyBytes: ['MAX_BODY_BYTES', integer(1, 1024 * MEBIBYTE), String(128 * MEBIBYTE)],
  maxPixels: ['MAX_PIXELS', integer(1, 1_000_000_000), '50000000'],
  maxTiles: ['MAX_TILES', integer(1, 1_000_000), '20000'],
  maxSidePx: ['MAX_SIDE', integer(1, 1_000_000_000), '65535'],
  pixelsPerByte: ['PIXELS_PER_BYTE', integer(1, 1_000_000_000), '2000'],
  decodeTimeoutMs: ['DECODE_TIMEOUT_MS', integer(1, 3_600_000), '30000'],
  decodeMemoryBytes: ['DECODE_MEMORY_BYTES', integer(16 * MEBIBYTE, 2048 * MEBIBYTE), String(320 * MEBIBYTE)],
  redisBudgetBytes: ['REDIS_BUDGET_BYTES', integer(1, Number.MAX_SAFE_INTEGER), String(1024 * MEBIBYTE)],
  clientShare: ['CLIENT_SHARE', fraction, '0.75'],
  accessTokens: ['AUTH_TOKEN', accessTokens, NONE],
  trustedProxies: ['TRUSTED_PROXIES', integer(0, 10), '0'],
  inputRules: ['INPUT_RULES', inputRules, NONE],
  storedInputs: ['STORED_INPUTS', oneOf('on', 'off'), 'on'],
  ownImagesOnly: ['OWN_IMAGES_ONLY', oneOf('on', 'off'), 'off'],
  imageList: ['IMAGE_LIST', oneOf('on', 'off'), 'on'],
  page: ['PAGE', oneOf('on', 'off'), 'on'],
  resultTtlS: ['RESULT_TTL_S', integer(0, 365 * DAY_S), '0'],
  recordTtlS: ['RECORD_TTL_S', integer(1, 365 * DAY_S), String(DAY_S)],
  drainMs: ['DRAIN_MS', integer(0, 3_600_000), '20000'],
  maxUploads: ['MAX_UPLOADS', integer(1, 1000), '8'],
  maxSplits: ['MAX_SPLITS', integer(1, 64), '2'],
  minBytesPerS: ['MIN_BYTES_PER_S', integer(0, 1_000_000_000), '4096'],
  minUploadBytesPerS: ['MIN_UPLOAD_BYTES_PER_S', integer(0, 1_000_000_000), '32768'],
  host: ['HOST', matching(/^[A-Za-z0-9.:-]+$/, 'an address or a host name'), '127.0.0.1'],
  port: ['PORT', integer(0, 65_535), '8080'],
  metricsPort: ['METRICS_PORT', integer(0, 65_535), '0'],
  logLevel: ['LOG_LEVEL', oneOf('debug', 'info', 'warn', 'error', 'silent'), 'info'],
  logFormat: ['LOG_FORMAT', oneOf('auto', 'json', 'text'), 'auto'],
} as const satisfies Record<string, readonly [variable: string, parse: Parse<unknown>, fallback: string]>;

/** Settings that are or may contain a secret. Their values are never shown. */
const secrets = new Set(['REDIS_URL', 'K_SINK', 'DONE_SINK', 'ASSEMBLE_URL', 'AUTH_TOKEN', 'S3_ENDPOINT']);

type Settings = typeof settings;

/** The settings of a function. docs/DEPLOY.md explains each one. */
export type Config = { readonly [Name in keyof Settings]: ReturnType<Settings[Name][1]> };

/**
 * The environment variables that Tessera reads and their defaults, for tests of the manifests and the
 * documentation.
 */
export const environmentDefaults: Readonly<Record<string, string>> = Object.fromEntries(
  Object.values(settings).map(([variable, , fallback]) => [variable, fallback]),
);

/**
 * Reads every setting from `env`; an unset or empty variable means its default. Throws one Error that names
 * every invalid variable, with the given value and what is required. The value of a secret is never shown.
 */
export function loadConfig(env: Environment = process.env): Config {
  const faults: string[] = [];
  const config: Record<string, unknown> = {};
  for (const [name, [variable, parse, fallback]] of Object.entries(settings)) {
    const received = textOf(variable, env) ?? fallback;
    try {
      config[name] = parse(received);
    } catch (error) {
      const shown = secrets.has(variable) ? 'it' : JSON.stringify(received);
      faults.push(`${variable}: ${shown} is not ${(error as Error).message}`);
    }
  }
  if (config.store === 's3') faults.push(...placeFaults(config as Config));
  if (faults.length > 0) throw new Error(`Invalid settings:\n  ${faults.join('\n  ')}`);
  return config as Config;
}

/** Returns what is wrong with the places of a bucket. */
function placeFaults({ inputPath, outputPath }: Config): string[] {
  const faults: string[] = [];
  const places = [
    ['INPUT_PATH', inputPath],
    ['OUTPUT_PATH', outputPath],
  ].map(([variable, received]) => {
    try {
      return parseS3Place(received);
    } catch (error) {
      faults.push(`${variable}: ${JSON.stringify(received)} is not ${(error as Error).message}`);
      return null;
    }
  });
  const [input, output] = places;
  if (input && output && isWithin(input, output)) {
    faults.push(
      `INPUT_PATH: ${JSON.stringify(inputPath)} is not outside OUTPUT_PATH, so results would be inputs`,
    );
  }
  return faults;
}

/**
 * Returns a variable's value. An empty variable counts as unset, except AUTH_TOKEN: an empty Secret must not
 * admit everyone.
 */
function textOf(variable: string, env: Environment): string | undefined {
  return variable === 'AUTH_TOKEN' ? env[variable] : env[variable] || undefined;
}
