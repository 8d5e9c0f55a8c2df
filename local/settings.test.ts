import { describe, expect, it } from 'vitest';
import { environmentDefaults } from '../functions/lib/config.ts';
import { localSettings } from './settings.ts';

const recipe = { filter: 'blur' as const, values: { kernel: 21 } };
const options = { recipe, tile: 64, queue: 'naive' } as const;

describe('localSettings', () => {
  it('take every setting from the environment except those that the runner sets', () => {
    // Each default is a valid value.
    const { env } = localSettings(options, environmentDefaults);
    const missing = Object.keys(environmentDefaults).filter((name) => env[name] === undefined);
    expect(missing.sort()).toEqual([
      'ASSEMBLE_URL',
      'AUTH_TOKEN',
      'HOST',
      'K_SINK',
      'LOG_FORMAT',
      'METRICS_PORT',
      'PORT',
      'REDIS_URL',
    ]);
  });

  it('take the variables of OpenTelemetry from the environment', () => {
    const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_SDK_DISABLED: 'false' };
    expect(localSettings(options, tracing).env).toMatchObject(tracing);
  });

  it('prefer an option to a variable, and the caller to both', () => {
    const given = { MAX_PIXELS: '100000000', KERNEL_SIZE: '5', STORE: 'redis', PATH: '/bin', LEASE_MS: '' };
    const { env } = localSettings(options, given, { STORE: 'file' });
    expect(env).toMatchObject({
      MAX_PIXELS: '100000000',
      KERNEL_SIZE: '21',
      TILE_SIZE: '64',
      QUEUE_MODE: 'naive',
      STORE: 'file',
      LEASE_MS: '5000',
    });
    expect(env).not.toHaveProperty('PATH');
  });

  it('pass on what the AWS client reads, so that it finds its credentials', () => {
    const given = { AWS_PROFILE: 'pictures', AWS_ACCESS_KEY_ID: 'id', HOME: '/home/ann', PWD: '/' };
    const { env } = localSettings(options, given);
    expect(env).toMatchObject({ AWS_PROFILE: 'pictures', AWS_ACCESS_KEY_ID: 'id', HOME: '/home/ann' });
    expect(env).not.toHaveProperty('PWD');
  });

  it('need no kernel of a filter that has none', () => {
    const { env } = localSettings({ ...options, recipe: { filter: 'blur', values: {} } }, {});
    expect(env.KERNEL_SIZE).toBeUndefined();
  });

  it.each([
    [{}, undefined, undefined],
    [{ AUTH_TOKEN: 'none' }, 'none', undefined],
    [{ TESSERA_TOKEN: 'caller-token-0123' }, 'caller-token-0123', 'caller-token-0123'],
    [
      { AUTH_TOKEN: 'ann:first-token-0123, other-token-0123' },
      'ann:first-token-0123, other-token-0123',
      'first-token-0123',
    ],
    [
      { AUTH_TOKEN: 'a:first-token-0123 mine-token-01234', TESSERA_TOKEN: 'mine-token-01234' },
      'a:first-token-0123 mine-token-01234',
      'mine-token-01234',
    ],
  ])('of the tokens in %j', (environment, authToken, accessToken) => {
    expect(localSettings(options, environment)).toMatchObject({ authToken, accessToken });
  });

  it('name every invalid variable, in one line', () => {
    const broken = { MAX_PIXELS: 'many', LEASE_MS: '-1' };
    expect(() => localSettings(options, broken)).toThrow(
      /^Invalid settings: LEASE_MS: "-1" is not an integer[^\n]*; MAX_PIXELS: "many" is not [^\n]*$/,
    );
  });
});
