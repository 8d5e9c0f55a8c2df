// assemble receives the event that an image is blurred, and writes its PNG. Wiring only.
import type { IncomingHttpHeaders } from 'node:http';
import { http } from '@google-cloud/functions-framework';
import { Problem } from '../lib/errors.ts';
import { blurredImageId, type EventMessage } from '../lib/events.ts';
import { noticeMessage } from '../lib/notice-event.ts';
import { answering, bodyOf, MAX_DOCUMENT_BYTES } from '../lib/service/http.ts';
import { ImageLedger } from '../lib/queue/image-ledger.ts';
import { ImageReader } from '../lib/queue/image-reader.ts';
import { acceptsReply } from '../lib/service/prefer.ts';
import { connectRedis } from '../lib/redis/connection.ts';
import { Heartbeat } from '../lib/redis/heartbeat.ts';
import type { MetricsParts } from '../lib/metrics/start.ts';
import type { Lifecycle } from '../lib/service/serve.ts';
import { setUp } from '../lib/service/set-up.ts';
import { locationsOf } from '../lib/store/locations.ts';
import { expireResults } from '../lib/store/results.ts';
import { openStores } from '../lib/store/stores.ts';
import { startTracing } from '../lib/tracing/start.ts';
import { Assembler } from './assembler.ts';

export const { config, log, faults } = setUp('assemble');
await startTracing('assemble', log);

const redis = connectRedis(config.redisUrl, 'fails');
const heartbeat = new Heartbeat(redis, config.keyPrefix, faults);
const ledger = new ImageLedger(redis, config);
const images = new ImageReader(redis, config.keyPrefix);
export const stores = openStores(config, redis);
const locations = locationsOf(config);
const assembler = new Assembler({ ledger, images, results: stores.results, log });

/** Whether to respond with the done event: the sender accepts a reply, and there is no DONE_SINK. */
function repliesTo({ prefer }: IncomingHttpHeaders): boolean {
  return config.doneSink === null && acceptsReply(prefer);
}

/** Returns the event that an image is done, or null if it is not: it was cancelled. */
async function doneEvent(id: string): Promise<EventMessage | null> {
  const record = await images.record(id);
  return record?.state === 'done' ? noticeMessage(record, locations) : null;
}

/** The function itself, exported under the name that the framework looks for. */
export const assemble = answering({ log, faults }, async (req, res) => {
  if (req.method !== 'POST') {
    res.setHeader('allow', 'POST');
    throw new Problem('method-not-allowed', `${req.method} is not allowed here; POST is.`);
  }
  const body = await bodyOf(req);
  const id = blurredImageId(req.headers, body.toString());
  await assembler.assemble(id);
  const reply = repliesTo(req.headers) ? await doneEvent(id) : null;
  if (reply) res.writeHead(200, reply.headers).end(reply.body);
  else res.status(204).end(); // A Broker would refuse a body that is not an event.
  await expireResults(stores.results, log);
});
http('assemble', assemble);

/** Events are short. */
export const bodyLimit = () => MAX_DOCUMENT_BYTES;

export const metrics: MetricsParts = { of: 'assemble', config, log };

export const lifecycle: Lifecycle = {
  isReady: () => heartbeat.isWell,
  async close() {
    heartbeat.stop();
    redis.disconnect();
  },
};
