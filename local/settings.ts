// The settings of the functions on one machine: those of the environment, over defaults that fit images of one's own.
import { environmentDefaults } from '../functions/lib/config.ts';
import { readSettings } from '../scripts/lib/settings.ts';
import type { Options } from './options.ts';

type Environment = Record<string, string | undefined>;

/** Where the parts of the pipeline find each other: the runner's to say. The tokens are for split alone. */
const OWN = new Set(['REDIS_URL', 'K_SINK', 'HOST', 'PORT', 'AUTH_TOKEN']);

/** Where they differ from a cluster's. */
const defaults = {
  // The images are the user's own: limits against strangers would only be in the way.
  CLIENT_SHARE: '1',
  PIXELS_PER_BYTE: '1000000000',
  // A tile whose worker was killed is back soon.
  LEASE_MS: '5000',
  ANNOUNCE_RETRY_MS: '1000',
  LOG_LEVEL: 'error',
};

export interface LocalSettings {
  /** For every function. */
  env: Record<string, string>;
  /** What split takes for `AUTH_TOKEN`; undefined when it lets everyone in. */
  authToken: string | undefined;
  /** The token to call split with. */
  accessToken: string | undefined;
}

/**
 * The settings for `options`; `own` are the caller's, over those of the environment. Throws a {@link UsageError} that names
 * every variable that cannot be used.
 */
export function localSettings(
  options: Pick<Options, 'recipe' | 'tile' | 'queue'>,
  environment: Environment,
  own: Record<string, string> = {},
): LocalSettings {
  const given = Object.keys(environmentDefaults)
    .filter((name) => !OWN.has(name) && environment[name])
    .map((name) => [name, environment[name] ?? ''] as const);
  const env = {
    ...defaults,
    ...Object.fromEntries(given),
    KERNEL_SIZE: String(options.recipe.values.kernel),
    TILE_SIZE: String(options.tile),
    QUEUE_MODE: options.queue,
    ...own,
  };
  const { TESSERA_TOKEN } = environment;
  const authToken = environment.AUTH_TOKEN ?? (TESSERA_TOKEN || undefined);
  readSettings({ ...env, AUTH_TOKEN: authToken });
  return { env, authToken, accessToken: TESSERA_TOKEN || firstToken(authToken) };
}

/** The first of the tokens in `AUTH_TOKEN`, without the name in front of it. */
function firstToken(authToken: string | undefined): string | undefined {
  if (authToken === undefined || authToken === environmentDefaults.AUTH_TOKEN) return undefined;
  return authToken
    .split(/[\s,]+/)
    .find((entry) => entry !== '')
    ?.replace(/^[^:]*:/, '');
}
