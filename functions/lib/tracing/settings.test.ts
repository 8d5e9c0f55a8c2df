import { expect, it } from 'vitest';
import { isTracingOn } from './settings.ts';

const endpoint = 'http://collector:4318';

/** Returns whether tracing is on, and the warnings. */
function read(env: Record<string, string>): [isOn: boolean, ...warnings: string[]] {
  const warnings: string[] = [];
  return [isTracingOn(env, (reason) => warnings.push(reason)), ...warnings];
}

it.each([
  {},
  { OTEL_SERVICE_NAME: 'a' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: 'true' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: 'TRUE' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_EXPORTER: 'none' },
] as Record<string, string>[])('tracing is off with %o', (env) => expect(read(env)).toEqual([false]));

it.each([
  { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint },
  { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/v1/traces` },
  { OTEL_EXPORTER_OTLP_ENDPOINT: 'HTTPS://collector', OTEL_SDK_DISABLED: 'False' },
  { OTEL_TRACES_EXPORTER: 'otlp' },
  { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
] as Record<string, string>[])('tracing is on with %o', (env) => expect(read(env)).toEqual([true]));

it('says that OTEL_SDK_DISABLED is not a truth value, and stays on', () => {
  expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: 'yes' })).toEqual([
    true,
    'OTEL_SDK_DISABLED: "yes" is not true or false',
  ]);
});

it('says that an exporter is not known, and stays off', () => {
  expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_EXPORTER: 'zipkin' })).toEqual([
    false,
    'OTEL_TRACES_EXPORTER: "zipkin" is not otlp or none',
  ]);
});

it.each(['collector:4318', 'ftp://user:hunter2@collector', 'http://'])(
  'says that the endpoint %s is no URL, without showing it',
  (value) => {
    const [isOn, warning] = read({ OTEL_EXPORTER_OTLP_ENDPOINT: value });
    expect(isOn).toBe(false);
    expect(warning).toBe('OTEL_EXPORTER_OTLP_ENDPOINT: it is not a URL starting with http:// or https://');
  },
);

it('says that spans are sent in another protocol than the one that is set', () => {
  expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toEqual([
    true,
    'OTEL_EXPORTER_OTLP_PROTOCOL: spans are sent as http/json, not as "grpc"',
  ]);
});
