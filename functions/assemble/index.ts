// assemble receives the event that an image is blurred, and writes its PNG. Wiring only.
import { http } from '@google-cloud/functions-framework';
import { Problem } from '../lib/errors.ts';
import { blurredImageId } from '../lib/events.ts';
import { answering, bodyOf, MAX_DOCUMENT_BYTES } from '../lib/service/http.ts';
import { ImageLedger } from '../lib/queue/image-ledger.ts';
import { connectRedis } from '../lib/redis/connection.ts';
import { Heartbeat } from '../lib/redis/heartbeat.ts';
import type { Lifecycle } from '../lib/service/serve.ts';
import { setUp } from '../lib/service/set-up.ts';
import { expireResults } from '../lib/store/results.ts';
import { openStores } from '../lib/store/stores.ts';
import { startTracing } from '../lib/tracing/start.ts';
import { Assembler } from './assembler.ts';

export const { config, log, faults } = setUp('assemble');
await startTracing('assemble', log);

const redis = connectRedis(config.redisUrl, 'fails');
const heartbeat = new Heartbeat(redis, config.keyPrefix, faults);
const ledger = new ImageLedger(redis, config);
export const stores = openStores(config, redis);
const assembler = new Assembler({ ledger, results: stores.results, log });

/** The function itself, exported under the name that the framework looks for. */
export const assemble = answering({ log, faults }, async (req, res) => {
  if (req.method !== 'POST') {
    res.setHeader('allow', 'POST');
    throw new Problem('method-not-allowed', `${req.method} is not allowed here; POST is.`);
  }
  const body = await bodyOf(req);
  await assembler.assemble(blurredImageId(req.headers, body.toString()));
  res.status(204).end(); // A broker would treat a body as an event.
  await expireResults(stores.results, log);
});
http('assemble', assemble);

/** Events are short. */
export const bodyLimit = () => MAX_DOCUMENT_BYTES;

export const lifecycle: Lifecycle = {
  isReady: () => heartbeat.isWell,
  async close() {
    heartbeat.stop();
    redis.disconnect();
  },
};
