// Values of OpenTelemetry's variables that cannot be used: each one is logged once, and none stops a function.
import '../../testing/restored-environment.ts';
import { diag } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import type { Log } from '../log.ts';
import { batchesOf } from './batches.ts';
import { traceWith } from './spans.ts';
import { startTracing } from './start.ts';

let logged: string[];

/** Starts tracing with these variables, and returns the reasons that were logged. */
async function start(env: Record<string, string>): Promise<string[]> {
  logged = [];
  const warn = (_: string, { reason }: Record<string, unknown> = {}) => void logged.push(String(reason));
  const log: Log = { debug() {}, info() {}, warn, error: warn };
  Object.assign(process.env, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }, env);
  await startTracing('split', log);
  return logged;
}

afterEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) delete process.env[name];
  traceWith(null);
  diag.disable();
});

const cases: [variable: string, value: string, reason: string][] = [
  ['OTEL_BSP_MAX_QUEUE_SIZE', 'abc', 'OTEL_BSP_MAX_QUEUE_SIZE: "abc" is not an integer'],
  ['OTEL_BSP_MAX_QUEUE_SIZE', '0', 'OTEL_BSP_MAX_QUEUE_SIZE: "0" is not an integer'],
  ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '1.5', 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "1.5"'],
  ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '5000', 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE: the queue only has 2048'],
  ['OTEL_BSP_SCHEDULE_DELAY', '-5', 'OTEL_BSP_SCHEDULE_DELAY: "-5" is not an integer from 0'],
  ['OTEL_BSP_EXPORT_TIMEOUT', '1e12', 'OTEL_BSP_EXPORT_TIMEOUT: "1e12"'],
  ['OTEL_EXPORTER_OTLP_CERTIFICATE', '/nonexistent', 'Failed to read root certificate'],
  ['OTEL_EXPORTER_OTLP_CLIENT_KEY', '/nonexistent', 'Failed to read client certificate private key'],
  ['OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE', '/nonexistent', 'Failed to read client certificate chain'],
  ['OTEL_EXPORTER_OTLP_COMPRESSION', 'zstd', 'OTEL_EXPORTER_OTLP_COMPRESSION is invalid'],
  ['OTEL_EXPORTER_OTLP_TRACES_COMPRESSION', 'zstd', 'OTEL_EXPORTER_OTLP_TRACES_COMPRESSION is invalid'],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', '-1', 'OTEL_EXPORTER_OTLP_TIMEOUT is invalid'],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', 'soon', 'for OTEL_EXPORTER_OTLP_TIMEOUT, expected a number'],
  ['OTEL_RESOURCE_ATTRIBUTES', 'a=%zz,b', 'OTEL_RESOURCE_ATTRIBUTES: none is used'],
  ['OTEL_RESOURCE_ATTRIBUTES', 'a=b,c', 'OTEL_RESOURCE_ATTRIBUTES: none is used'],
  [
    'OTEL_EXPORTER_OTLP_HEADERS',
    'x=y,authorization=%zz',
    'OTEL_EXPORTER_OTLP_HEADERS: entry 2 is not sent as',
  ],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization=a;b', 'OTEL_EXPORTER_OTLP_HEADERS: entry 1 is not sent as'],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', '1e12', 'OTEL_EXPORTER_OTLP_TIMEOUT: "1e12" is longer than'],
  [
    'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
    'hunter2',
    'OTEL_EXPORTER_OTLP_TRACES_HEADERS: entry 1 is not sent as',
  ],
];

it.each(cases)('%s=%s is logged', async (name, value, reason) => {
  expect(await start({ [name]: value })).toEqual([expect.stringContaining(reason)]);
});

it.each([
  {},
  { OTEL_BSP_MAX_QUEUE_SIZE: '10', OTEL_BSP_SCHEDULE_DELAY: ' 20 ', OTEL_BSP_EXPORT_TIMEOUT: '' },
  { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20a,x-tenant = blue,' },
  { OTEL_RESOURCE_ATTRIBUTES: 'service.namespace=tessera,,a=%2C' },
  { OTEL_RESOURCE_ATTRIBUTES: ' ', OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip', OTEL_EXPORTER_OTLP_TIMEOUT: '1' },
] as Record<string, string>[])('nothing is logged with %o', async (env) =>
  expect(await start(env)).toEqual([]),
);

it('a secret is never logged', async () => {
  await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:hunter2@127.0.0.1:9',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=hunter2%zz,hunter2,=hunter2',
    OTEL_RESOURCE_ATTRIBUTES: 'hunter2',
  });
  expect(logged).toHaveLength(4);
  expect(logged.join()).not.toContain('hunter2');
});

it('what the SDK says again and again is logged once', async () => {
  await start({});
  for (const count of [7, 12, 12]) diag.warn(`Dropped ${count} spans because maxQueueSize reached`);
  expect(logged).toEqual(['Dropped 7 spans because maxQueueSize reached']);
});

describe('batches', () => {
  it('are never larger than the queue', () => {
    const warnings: string[] = [];
    const env = { OTEL_BSP_MAX_QUEUE_SIZE: '10', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '100' };
    expect(batchesOf(env, (reason) => warnings.push(reason))).toMatchObject({
      maxQueueSize: 10,
      maxExportBatchSize: 10,
    });
    expect(warnings).toEqual([
      'OTEL_BSP_MAX_EXPORT_BATCH_SIZE: the queue only has 10 places, so batches are that large',
    ]);
  });
});
