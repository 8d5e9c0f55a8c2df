// The metrics as Prometheus reads them from the functions' own processes.
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { definitionsOf } from '../../functions/lib/metrics/definitions.ts';
import { LeaseQueue } from '../../functions/lib/queue/lease-queue.ts';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { hasProgram } from '../support/has-program.ts';
import { MeasuredPipeline, type Measured } from '../support/measured-pipeline.ts';
import { namingFaults } from '../support/metric-names.ts';
import type { Scrape } from '../support/scrape.ts';

const root = join(import.meta.dirname, '../..');
const names = ['split', 'blur', 'assemble'] as const;
/** The killed worker's lease is this long; see MeasuredPipeline. */
const queueOptions = { keyPrefix: 'image', leaseMs: 1000, maxAttempts: 5, retryBaseMs: 1, recordTtlS: 3600 };
const TILES = 20;
const UNKNOWN = 'f'.repeat(24);

let pipeline: MeasuredPipeline;
let worker: Measured;
let png: Buffer<ArrayBuffer>;
/** What the image's status says in the end, and how long its result is. */
let status: { reclaims: number; fenced: number };
let resultBytes: number;

/** One image: a worker that holds a tile is silent, another is killed, and a third one does the rest. */
beforeAll(async () => {
  pipeline = await MeasuredPipeline.start();
  png = await toPng(picture(1200, 1000), 3);
  const id = await pipeline.send(png, 'a.png');
  const queue = new LeaseQueue(pipeline.redis, queueOptions);
  const dead = await queue.claim();
  if (!dead) throw new Error('No tile is ready');
  const doomed = await pipeline.startWorker();
  await until('a tile is done', async () => (await pipeline.totals()).get('tessera_tiles_done_total') ?? 0);
  doomed.process.signal('SIGKILL');
  worker = await pipeline.startWorker();
  await pipeline.untilIs(id, 'done');
  await queue.ack(dead, Buffer.from('too late'));
  status = await pipeline.status(id);
  const result = await fetch(`${pipeline.split.url}/images/${id}/result`);
  resultBytes = (await result.arrayBuffer()).byteLength;
});

afterAll(() => pipeline?.stop());

const scrapeOf = (name: (typeof names)[number]): Promise<Scrape> =>
  ({ split: pipeline.split, blur: worker, assemble: pipeline.assemble })[name].scrape();

describe.each(names)('%s', (name) => {
  it('shows its own metrics with their meaning, and no other', async () => {
    const wanted = definitionsOf(name).map((each) => [each.name, each.help]);
    expect(Object.fromEntries((await scrapeOf(name)).helps('tessera_'))).toEqual(Object.fromEntries(wanted));
  });

  it('shows its event loop, its memory and which code it is', async () => {
    const scraped = await scrapeOf(name);
    expect(scraped.get('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
    expect(scraped.get('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(scraped.get('tessera_build_info', `function="${name}",version="${version}"`)).toBe(1);
  });

  it('names its metrics as Prometheus wants them', async () => {
    const types = [...(await scrapeOf(name)).types()];
    expect(types.length).toBeGreaterThan(definitionsOf(name).length);
    expect(types.flatMap(([metric, type]) => namingFaults(metric, type))).toEqual([]);
  });

  it.runIf(hasProgram('promtool'))('shows nothing that promtool dislikes', async () => {
    const { text } = await scrapeOf(name);
    const checking = promisify(execFile)('promtool', ['check', 'metrics']);
    checking.child.stdin?.end(text);
    const said = await checking.then(
      ({ stdout, stderr }) => stdout + stderr,
      ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr,
    );
    expect(said).toBe('');
  });
});

describe('the totals', () => {
  it('are exact when workers were killed', async () => {
    const totals = await pipeline.totals();
    const values = {
      tessera_images_begun_total: 1,
      tessera_images_done_total: 1,
      tessera_images_failed_total: 0,
      tessera_tiles_done_total: TILES,
      tessera_tiles_reclaimed_total: status.reclaims,
      tessera_tiles_retried_total: status.reclaims,
      tessera_tiles_fenced_total: status.fenced,
      tessera_upload_bytes_total: png.length,
      tessera_result_bytes_total: resultBytes,
    };
    const shown = Object.keys(values).map((name) => [name, totals.get(name)]);
    expect(Object.fromEntries(shown)).toEqual(values);
    expect(status.reclaims).toBeGreaterThanOrEqual(1);
    expect(status.fenced).toBe(1);
  });

  it('show an empty queue in the end, and what the result still holds', async () => {
    const totals = await pipeline.totals();
    for (const state of ['ready', 'leased', 'delayed']) {
      expect(totals.get('tessera_queue_tiles', `state="${state}"`)).toBe(0);
    }
    expect(totals.get('tessera_outbox_events')).toBe(0);
    expect(totals.get('tessera_outbox_oldest_seconds')).toBe(0);
    expect(totals.get('tessera_results_bytes')).toBeGreaterThanOrEqual(resultBytes);
    expect(totals.get('tessera_admitted_bytes')).toBeGreaterThan(totals.get('tessera_results_bytes') ?? 0);
    expect(totals.get('tessera_budget_bytes')).toBe(2 ** 30);
  });
});

describe('the timings', () => {
  it('have every image once', async () => {
    const split = await pipeline.split.scrape();
    const assemble = await pipeline.assemble.scrape();
    expect(split.get('tessera_split_duration_seconds_count')).toBe(1);
    expect(assemble.get('tessera_assemble_duration_seconds_count')).toBe(1);
    expect(assemble.get('tessera_image_duration_seconds_count')).toBe(1);
    const image = assemble.get('tessera_image_duration_seconds_sum') ?? 0;
    expect(image).toBeGreaterThan(assemble.get('tessera_assemble_duration_seconds_sum') ?? Infinity);
  });

  it("have the worker's tiles from the first one on, which it claims before the metrics are loaded", async () => {
    const second = await pipeline.send(await toPng(picture(300, 300), 3), 'b.png');
    await pipeline.untilIs(second, 'done');
    const totals = await pipeline.totals();
    const blur = await worker.scrape();
    const tiles = blur.get('tessera_tile_duration_seconds_count') ?? 0;
    expect(tiles).toBeGreaterThanOrEqual(4);
    expect(tiles).toBeLessThan(totals.get('tessera_tiles_done_total') ?? 0); // The killed worker had some.
    expect(blur.get('tessera_convolve_duration_seconds_count')).toBeGreaterThanOrEqual(tiles);
    expect(blur.get('tessera_tiles_in_flight')).toBe(0);
  });
});

describe('the requests', () => {
  /** Requests that split must have counted. A response may arrive before its request has been counted. */
  const sent: [path: string, init: RequestInit, labels: string][] = [
    ['/?name=a.png', { method: 'POST', body: 'no image' }, 'method="POST",route="/",status="415"'],
    [`/images/${UNKNOWN}`, {}, 'method="GET",route="/images/{id}",status="404"'],
    [`/images/${UNKNOWN}/result?x`, {}, 'method="GET",route="/images/{id}/result",status="400"'],
    [`/images/${UNKNOWN}/nothing/there`, {}, 'method="GET",route="other",status="404"'],
    ['/queue', { method: 'PATCH' }, 'method="other",route="/queue",status="405"'],
  ];
  it.each(sent)('to %s with %o count as %s', async (path, init, labels) => {
    const count = async () => (await pipeline.split.scrape()).get('tessera_http_requests_total', labels) ?? 0;
    const before = await count();
    await fetch(`${pipeline.split.url}${path}`, init);
    await until('it is counted', async () => (await count()) === before + 1);
  });

  it('have no ids in their routes, and health checks do not count', async () => {
    const split = await pipeline.split.scrape();
    expect(split.text).not.toContain(UNKNOWN);
    expect(split.text).not.toContain('route="/health');
  });

  it('of blur to assemble count there', async () => {
    const assemble = await pipeline.assemble.scrape();
    expect(assemble.get('tessera_http_requests_total', 'route="/",status="204"')).toBeGreaterThanOrEqual(1);
  });
});

describe('the port of the metrics', () => {
  it('has nothing else, and the public port has no metrics', async () => {
    expect((await fetch(`${pipeline.split.url}/metrics`)).status).toBe(404);
    const { port } = pipeline.split;
    for (const path of ['/', '/images', '/metrics/']) {
      expect((await fetch(`http://127.0.0.1:${port}${path}`)).status).toBe(404);
    }
    expect((await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST' })).status).toBe(404);
  });

  it('does not stop the function if it is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    const taken = await until('the other server listens', () => other.address());
    const logged: string[] = [];
    const METRICS_PORT = String(typeof taken === 'object' ? taken.port : 0);
    const env = { REDIS_URL: pipeline.server.url, STORE: 'redis', METRICS_PORT };
    const split = new FunctionProcess('split', { env, onLog: (line) => logged.push(line) });
    try {
      const url = await split.healthy();
      await until('the fault is logged', () => logged.find((line) => line.includes('METRICS_PORT')));
      expect((await fetch(`${url}/images`)).status).toBe(200);
    } finally {
      await split.stop();
      other.close();
    }
  });
});

describe('a scrape while Redis does not reply', () => {
  it('shows what the function has itself, and no old values', async () => {
    const { pid } = pipeline.server;
    if (pid === undefined) throw new Error('Redis does not run');
    process.kill(pid, 'SIGSTOP');
    let split: Scrape;
    try {
      split = await pipeline.split.scrape();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect(split.get('tessera_redis_up')).toBe(0);
    expect(split.get('tessera_split_duration_seconds_count')).toBeGreaterThanOrEqual(1);
    expect(split.text).not.toMatch(/tessera_(queue_tiles|tiles_done_total|admitted_bytes)/);
    await until('Redis is read again', async () => (await pipeline.totals()).get('tessera_redis_up') === 1);
  });
});

describe('the bundle', () => {
  it.each(names)(
    'of %s has prom-client in a file that is loaded only with a port for metrics',
    async (name) => {
      const folder = join(root, 'dist', name);
      const files = (await readdir(folder)).filter((file) => file.endsWith('.js'));
      const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
      const chunks = files.filter((_, at) => texts[at].includes('nodejs_eventloop_lag_seconds'));
      expect(chunks).toHaveLength(1);
      const loaders = texts.filter((text) => text.includes(`./${chunks[0]}`));
      expect(loaders).toHaveLength(1);
      expect(loaders[0]).toMatch(/metricsPort!==0.*await import\(/);
      expect(loaders[0]).not.toContain(`from"./${chunks[0]}"`);
    },
  );
});
