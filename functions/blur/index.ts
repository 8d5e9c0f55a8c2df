// blur is a consumer of the queue and also an HTTP function. Wiring only. The consumer starts first. The
// framework is loaded after the queue has been asked for work, because a pod is woken for its tiles, not for
// its port.
import { Problem } from '../lib/errors.ts';
import { ImageLedger } from '../lib/queue/image-ledger.ts';
import { LeaseQueue } from '../lib/queue/lease-queue.ts';
import { NaiveQueue } from '../lib/queue/naive-queue.ts';
import { Notices } from '../lib/queue/notices.ts';
import { Workers } from '../lib/queue/workers.ts';
import { connectRedis } from '../lib/redis/connection.ts';
import { redisUnavailable } from '../lib/redis/faults.ts';
import { Heartbeat } from '../lib/redis/heartbeat.ts';
import { timed } from '../lib/metrics/measure.ts';
import type { MetricsParts } from '../lib/metrics/start.ts';
import type { Lifecycle } from '../lib/service/serve.ts';
import { setUp } from '../lib/service/set-up.ts';
import { locationsOf } from '../lib/store/locations.ts';
import { startTracing } from '../lib/tracing/start.ts';
import { Announcer } from './announcer.ts';
import { Consumer } from './consumer.ts';
import { Convolver } from './convolver.ts';
import { Notifier } from './notifier.ts';
import { SignOfLife } from './sign-of-life.ts';

/** The longest time that the port waits for a Redis that does not reply. */
const FIRST_POLL_MS = 500;

export const { config, log, faults } = setUp('blur');
await startTracing('blur', log);

const redis = connectRedis(config.redisUrl, 'waits');
const heartbeat = new Heartbeat(redis, config.keyPrefix, faults);
const queue =
  config.queueMode === 'naive' ? new NaiveQueue(redis, config.keyPrefix) : new LeaseQueue(redis, config);
const notices = new Notices(redis, config.keyPrefix);
const notifier = new Notifier({ notices, locations: locationsOf(config), log }, config);
/** If it fails, the consumer's next check reports why. */
const notifySoon = () => void notifier.notify().catch(() => {});
const announcer = new Announcer(new ImageLedger(redis, config), { ...config, onClosed: notifySoon }, log);
const convolver = new Convolver(config.concurrency);
const consumer = new Consumer({
  queue,
  convolve: (claim) => timed('convolve', () => convolver.convolve(claim)),
  announce: async () => void (await Promise.all([announcer.announce(), notifier.notify()])),
  announced: async () => {
    await announcer.announced();
    await notifier.notified();
  },
  slots: config.concurrency + 1,
  leaseMs: config.leaseMs,
  log,
  faults,
});

if (config.consumer === 'on') {
  consumer.start();
  const tooLong = AbortSignal.timeout(FIRST_POLL_MS);
  await Promise.race([
    consumer.firstPoll,
    new Promise((resolve) => tooLong.addEventListener('abort', resolve)),
  ]);
  void convolver.start(); // Its threads start while the first tile is being fetched.
}
const signOfLife = new SignOfLife(new Workers(redis, config.keyPrefix), () => consumer.load, faults);
const { http } = await import('@google-cloud/functions-framework');
const { answering, MAX_DOCUMENT_BYTES, sendJson } = await import('../lib/service/http.ts');

/** The function itself, exported under the name that the framework looks for. */
export const blur = answering({ log, faults }, async (req, res) => {
  if (req.method !== 'POST') {
    res.setHeader('allow', 'POST');
    throw new Problem('method-not-allowed', `${req.method} is not allowed here; POST is.`);
  }
  if (!heartbeat.isWell) throw redisUnavailable(); // This connection waits for Redis, but the caller should not.
  sendJson(res, 200, { processed: await consumer.drainQueue() });
});
http('blur', blur);

/** The body of a drain request is not used. */
export const bodyLimit = () => MAX_DOCUMENT_BYTES;

export const metrics: MetricsParts = { of: 'blur', config, log, inFlight: () => consumer.load.inFlight };

export const lifecycle: Lifecycle = {
  isReady: () => heartbeat.isWell,
  async drain() {
    const { drainMs } = config;
    await Promise.all([consumer.stop(drainMs), announcer.stop(drainMs), notifier.stop(drainMs)]);
  },
  async close() {
    heartbeat.stop();
    await signOfLife.stop();
    await Promise.all([convolver.close(), queue.close()]);
    redis.disconnect();
  },
};
