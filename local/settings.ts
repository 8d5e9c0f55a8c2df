// The settings of the functions on one machine. The environment overrides defaults that fit a user's own images.
import { environmentDefaults } from '../functions/lib/config.ts';
import { readSettings } from '../scripts/lib/settings.ts';
import type { Options } from './options.ts';

type Environment = Record<string, string | undefined>;

/**
 * Addresses of the parts of the pipeline, which the runner sets. One port cannot serve the metrics of all of them. The tokens are only
 * for split, and the runner itself formats the log.
 */
const OWN = new Set([
  'REDIS_URL',
  'K_SINK',
  'ASSEMBLE_URL',
  'HOST',
  'PORT',
  'METRICS_PORT',
  'AUTH_TOKEN',
  'LOG_FORMAT',
]);

/** What OpenTelemetry and the AWS client read themselves; the latter finds its shared files by HOME. */
const OF_LIBRARIES = /^(OTEL_|AWS_|HOME$)/;

/** Defaults that differ from a cluster's. */
const defaults = {
  // The images are the user's own, so limits against strangers are not needed.
  CLIENT_SHARE: '1',
  PIXELS_PER_BYTE: '1000000000',
  // Short, so that the tile of a killed worker is soon ready again.
  LEASE_MS: '5000',
  ANNOUNCE_RETRY_MS: '1000',
  LOG_LEVEL: 'error',
};

export interface LocalSettings {
  /** For every function. */
  env: Record<string, string>;
  /** split's `AUTH_TOKEN`; undefined if it accepts everyone. */
  authToken: string | undefined;
  /** The token to call split with. */
  accessToken: string | undefined;
}

/**
 * Returns the settings for `options`. `own` are the caller's, which override those of the environment. Throws
 * a {@link UsageError} that lists every invalid variable.
 */
export function localSettings(
  options: Pick<Options, 'recipe' | 'tile' | 'queue'>,
  environment: Environment,
  own: Record<string, string> = {},
): LocalSettings {
  const ofLibraries = Object.keys(environment).filter((name) => OF_LIBRARIES.test(name));
  const given = [...Object.keys(environmentDefaults), ...ofLibraries]
    .filter((name) => !OWN.has(name) && environment[name])
    .map((name) => [name, environment[name] ?? ''] as const);
  const env = {
    ...defaults,
    ...Object.fromEntries(given),
    ...('kernel' in options.recipe.values && { KERNEL_SIZE: String(options.recipe.values.kernel) }),
    TILE_SIZE: String(options.tile),
    QUEUE_MODE: options.queue,
    ...own,
  };
  const { TESSERA_TOKEN } = environment;
  const authToken = environment.AUTH_TOKEN ?? (TESSERA_TOKEN || undefined);
  readSettings({ ...env, AUTH_TOKEN: authToken });
  return { env, authToken, accessToken: TESSERA_TOKEN || firstToken(authToken) };
}

/** Returns the first of the tokens in `AUTH_TOKEN`, without its name. */
function firstToken(authToken: string | undefined): string | undefined {
  if (authToken === undefined || authToken === environmentDefaults.AUTH_TOKEN) return undefined;
  return authToken
    .split(/[\s,]+/)
    .find((entry) => entry !== '')
    ?.replace(/^[^:]*:/, '');
}
