// The collector of traces is down, or never answers. The work goes on, and the log says so once.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findFaults } from '../../chaos/nothing-lost.ts';
import { patient, Rig } from '../../chaos/rig.ts';
import { until } from '../../functions/testing/until.ts';
import { freePort } from '../../local/free-port.ts';
import { OtlpReceiver } from '../../local/otlp-receiver.ts';

let port: number;
let rig: Rig;
beforeAll(async () => {
  port = await freePort();
  rig = await Rig.start({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:hunter2@127.0.0.1:${port}`,
    OTEL_BSP_SCHEDULE_DELAY: '20',
    OTEL_EXPORTER_OTLP_TIMEOUT: '100',
  });
});
afterEach(() => rig.reset());
afterAll(() => rig.stop());

/** Returns how often each message about spans was logged. */
function messages(): Record<string, number> {
  const found: Record<string, number> = {};
  for (const line of rig.logged) {
    const { message, component } = JSON.parse(line) as { message: string; component: string };
    const key = `${component}: ${message}`;
    if (message.startsWith('Spans')) found[key] = (found[key] ?? 0) + 1;
  }
  return found;
}

describe('without a collector', () => {
  it('an image is done, and each function logs once that its spans are lost', async () => {
    const worker = await rig.startWorker(patient);
    const images = [await rig.send('a.png'), await rig.send('b.png'), await rig.send('c.png')];
    expect(await findFaults(rig, images)).toEqual([]);
    await until('all functions to notice', () => Object.keys(messages()).length === 3);
    await worker.process.stop();
    expect(worker.process.end).toBe(0);
    expect(messages()).toEqual({
      'split: Spans cannot be sent': 1,
      'blur: Spans cannot be sent': 1,
      'assemble: Spans cannot be sent': 1,
    });
    expect(rig.logged.join('\n')).not.toContain('hunter2');
  });

  it('spans are sent again when it is there', async () => {
    await rig.startWorker(patient);
    const collector = await OtlpReceiver.start(port);
    try {
      let sent = 0;
      await until('a span of split', async () => {
        await rig.send(`d${++sent}.png`);
        return collector.spans.some(({ service }) => service === 'tessera-split');
      });
      await until('the log', () => messages()['split: Spans are sent again'] === 1);
    } finally {
      await collector.stop();
    }
  });
});

describe('a collector that never answers', () => {
  let silent: Server;
  beforeAll(async () => {
    silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
  });
  afterAll(() => silent.close());

  it('delays neither an image, nor a stop by more than its limit, and the log says that spans are lost', async () => {
    const { port: silentPort } = silent.address() as AddressInfo;
    const env = {
      ...patient,
      DRAIN_MS: '1000',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${silentPort}`,
      OTEL_EXPORTER_OTLP_TIMEOUT: '60000',
      OTEL_BSP_MAX_QUEUE_SIZE: '4',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2',
    };
    const worker = await rig.startWorker(env);
    expect(await findFaults(rig, [await rig.send('a.png')])).toEqual([]);
    worker.process.signal('SIGTERM');
    await worker.process.exited;
    expect(worker.process.end).toBe(0); // 1 would mean that it did not stop in time.
    expect(messages()['blur: Spans are lost: they could not be sent before the stop']).toBe(1);
  });
});

describe('the code of OpenTelemetry', () => {
  /** Returns whether blur loads it with these settings. Node writes down every module that a process has loaded. */
  async function isLoaded(env: Record<string, string>): Promise<boolean> {
    const folder = await mkdtemp(join(tmpdir(), 'tessera-loaded-'));
    const worker = await rig.startWorker({ ...env, NODE_V8_COVERAGE: folder });
    await worker.process.healthy();
    await worker.process.stop();
    const files = await readdir(folder);
    const modules = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
    await rm(folder, { recursive: true });
    expect(modules.join('')).toContain('/dist/blur/main.js');
    return modules.join('').includes('/open-telemetry-');
  }

  it('is loaded only if tracing is on', async () => {
    expect(await isLoaded({})).toBe(true);
    expect(await isLoaded({ OTEL_SDK_DISABLED: 'true' })).toBe(false);
    expect(await isLoaded({ OTEL_EXPORTER_OTLP_ENDPOINT: '' })).toBe(false);
  });
});
