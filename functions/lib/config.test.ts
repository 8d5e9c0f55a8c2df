import { describe, expect, it } from 'vitest';
import { environmentDefaults, loadConfig } from './config.ts';

describe('loadConfig', () => {
  it('uses the defaults of an empty environment', () => {
    expect(loadConfig({})).toMatchObject({
      kernelSize: 15,
      tileSizePx: 256,
      queueMode: 'lease',
      keyPrefix: 'image',
    });
  });

  it('treats an empty variable as unset', () => {
    expect(loadConfig({ KERNEL_SIZE: '' }).kernelSize).toBe(15);
  });

  it('reads variables that are set', () => {
    const config = loadConfig({ KERNEL_SIZE: '51', QUEUE_MODE: 'naive', REDIS_URL: 'rediss://u:p@r:6380' });
    expect(config).toMatchObject({ kernelSize: 51, queueMode: 'naive', redisUrl: 'rediss://u:p@r:6380' });
  });

  it.each(['0', '-0.5', '1.01', '75%', 'half', ' ', 'NaN', 'Infinity', '5e-1', ' 0.5', '0x1', '.5'])(
    'refuses %j as a share of the budget',
    (text) => {
      expect(() => loadConfig({ CLIENT_SHARE: text })).toThrow('CLIENT_SHARE');
    },
  );

  it.each(['0x10', '1e2', ' 5', '5 ', '+5', '5.0', '-5', '5_0', '٥', 'Infinity'])(
    'takes %j for no whole number',
    (text) => {
      for (const variable of ['MAX_UPLOADS', 'KERNEL_SIZE', 'PORT'])
        expect(() => loadConfig({ [variable]: text })).toThrow(variable);
    },
  );

  it.each([
    'redis://user:100%@host',
    'redis://us%er:password@host',
    'redis://user:%ff@host',
    'redis://',
    'redis:///2',
    'redis:host:6379',
    'redis:/host',
    'redis://host/queue',
    'redis://host:port',
    'host:6379',
    ' redis://host',
  ])('takes %j for no URL of Redis', (text) => {
    expect(() => loadConfig({ REDIS_URL: text })).toThrow(/^ {2}REDIS_URL: it is not a URL/m);
  });

  it.each([
    'redis://host',
    'redis://host:6380/',
    'rediss://user:p%40ss%25@host/2',
    'redis://:password@[::1]:6379',
    'REDIS://host',
  ])('takes %j for a URL of Redis', (text) => {
    expect(loadConfig({ REDIS_URL: text }).redisUrl).toBe(text);
  });

  it('reports every fault at once', () => {
    const env = { KERNEL_SIZE: '14', TILE_SIZE: '0', QUEUE_MODE: 'lucky', PORT: 'x' };
    expect(() => loadConfig(env)).toThrow(/KERNEL_SIZE.*\n.*TILE_SIZE.*|TILE_SIZE.*\n[^]*KERNEL_SIZE/);
    for (const variable of Object.keys(env)) expect(() => loadConfig(env)).toThrow(variable);
  });

  it('does not show a URL that may contain a password', () => {
    expect(() => loadConfig({ REDIS_URL: 'http://user:secret@host' })).toThrow(/^(?![^]*secret)/);
  });

  it('refuses an empty list of tokens', () => {
    expect(loadConfig({}).accessTokens).toEqual([]);
    for (const text of ['', ' ', '\n'])
      expect(() => loadConfig({ AUTH_TOKEN: text })).toThrow(/^  AUTH_TOKEN/m);
  });

  it('does not show a token that it refuses', () => {
    expect(() => loadConfig({ AUTH_TOKEN: 'alice:secret' })).toThrow(/^(?![^]*secret)/);
  });

  it('requires two places in buckets with STORE=s3', () => {
    const env = { STORE: 's3', INPUT_PATH: 's3://pictures/in', OUTPUT_PATH: 's3://pictures/out' };
    expect(loadConfig(env)).toMatchObject({ store: 's3', s3Endpoint: 'aws', s3PathStyle: 'auto' });
    expect(() => loadConfig({ STORE: 's3' })).toThrow(
      /INPUT_PATH: "input" is not s3:[^]*OUTPUT_PATH: "output" is not/,
    );
    for (const output of ['s3://pictures', 's3://pictures/in', 's3://pictures/in/'])
      expect(() => loadConfig({ ...env, OUTPUT_PATH: output })).toThrow('not outside OUTPUT_PATH');
    expect(loadConfig({ ...env, INPUT_PATH: 's3://pictures' }).inputPath).toBe('s3://pictures');
  });

  it.each(['s3.example.org', 'ftp://s3.example.org', 'https://key:secret@s3.example.org', 'AWS'])(
    'takes %j for no address of an S3 service',
    (text) => {
      expect(() => loadConfig({ S3_ENDPOINT: text })).toThrow(
        /^ {2}S3_ENDPOINT: it is not a URL(?![^]*secret)/m,
      );
    },
  );

  it('accepts its own defaults when they are set explicitly', () => {
    expect(loadConfig({ ...environmentDefaults })).toEqual(loadConfig({}));
  });
});
