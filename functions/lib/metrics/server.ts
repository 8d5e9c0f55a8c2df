// Serves `GET /metrics` on a port of its own, which no ingress leads to: see docs/adr/0027-metrics.md.
import { createServer, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { measureWith } from './measure.ts';
import { processMetrics } from './process-metrics.ts';
import { queueMetrics } from './queue-metrics.ts';
import type { MetricsParts } from './start.ts';

/** Resolves when it listens. Rejects if it cannot. */
export async function serveMetrics(parts: MetricsParts): Promise<void> {
  const { config, log, redis } = parts;
  const { registry, meter } = await processMetrics(parts);
  measureWith(meter);

  async function scrape(res: ServerResponse): Promise<void> {
    const registries: Registry[] = [registry];
    if (redis) registries.push(await queueMetrics(redis, config));
    const texts = await Promise.all(registries.map((each) => each.metrics()));
    res.writeHead(200, { 'content-type': registry.contentType }).end(texts.join(''));
  }

  const server = createServer((req, res) => {
    if (req.method !== 'GET' || req.url?.split('?', 1)[0] !== '/metrics') {
      res.writeHead(404).end();
      return;
    }
    scrape(res).catch((error: unknown) => {
      log.error('The metrics could not be read', { error });
      res.writeHead(500).end();
    });
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(config.metricsPort, config.host, resolve);
  await promise;
  server.on('error', (error) => log.error('The server of the metrics has a fault', { error }));
  server.unref();
  log.info('Metrics are served', { port: config.metricsPort });
}
