// split receives images over HTTP and puts their tiles on the queue. Wiring only.
import type { IncomingMessage } from 'node:http';
import { http } from '@google-cloud/functions-framework';
import { answering, MAX_DOCUMENT_BYTES } from '../lib/service/http.ts';
import { mediaTypeOf } from '../lib/service/media-type.ts';
import { ImageLedger } from '../lib/queue/image-ledger.ts';
import { ImageReader } from '../lib/queue/image-reader.ts';
import { ImageRoom } from '../lib/queue/image-room.ts';
import { connectRedis } from '../lib/redis/connection.ts';
import { Heartbeat } from '../lib/redis/heartbeat.ts';
import type { MetricsParts } from '../lib/metrics/start.ts';
import type { Lifecycle } from '../lib/service/serve.ts';
import { setUp } from '../lib/service/set-up.ts';
import { openStores } from '../lib/store/stores.ts';
import { startTracing } from '../lib/tracing/start.ts';
import { assertOwnersAreKnown, callersOf } from './callers.ts';
import { isEventRequest } from './event-request.ts';
import { assertRules } from './object-rules.ts';
import { assertRoomFor } from './room.ts';
import { routeOf } from './exchange.ts';
import { targetOf } from './requests.ts';
import { bringsImages, createRoutes, isPublic, routesOf } from './routes.ts';
import { UploadLimit } from './upload-limit.ts';
import { WakeUp } from './wake-up.ts';

export const { config, log, faults } = setUp('split', (settings) => {
  assertOwnersAreKnown(settings);
  assertRules(settings);
});
await startTracing('split', log);

const redis = connectRedis(config.redisUrl, 'fails');
const heartbeat = new Heartbeat(redis, config.keyPrefix, faults);
const ledger = new ImageLedger(redis, config);
const images = new ImageReader(redis, config.keyPrefix);
const room = new ImageRoom(redis, config.keyPrefix);
const stores = openStores(config, redis);
const callerOf = callersOf(config);
const uploads = new UploadLimit(config, callerOf);
const wakeUp = new WakeUp(config.assembleUrl);

const wakeAssemble = () => wakeUp.send();
const table = routesOf({ config, redis, ledger, images, room, stores, log, callerOf, uploads, wakeAssemble });

/** The function itself, exported under the name that the framework looks for. */
export const split = answering({ log, faults }, createRoutes(table, { config, callerOf }));
http('split', split);

/** Returns the setting for images; JSON, events and other bodies are short. */
export function bodyLimit(req: IncomingMessage): number {
  const isImage = bringsImages(req) && !isEventRequest(req) && !mediaTypeOf(req.headers).endsWith('json');
  return isImage ? config.maxBodyBytes : Math.min(MAX_DOCUMENT_BYTES, config.maxBodyBytes);
}

export const metrics: MetricsParts = { of: 'split', config, log, redis, inFlight: () => uploads.count };

export const lifecycle: Lifecycle = {
  isReady: () => heartbeat.isWell,
  admit: (req) => {
    if (!isPublic(req, config)) callerOf(req);
  },
  places: {
    areNeededFor: bringsImages,
    async find(req) {
      await assertRoomFor(req, { config, room, stores });
      await uploads.find(req);
    },
    take: (res) => uploads.take(res),
  },
  routeOf: ({ url = '' }) => routeOf(table, targetOf(url).path),
  async close() {
    heartbeat.stop();
    redis.disconnect();
  },
};
