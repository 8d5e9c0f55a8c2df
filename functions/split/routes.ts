// Step 1 of the pipeline: the HTTP API. Accepts images and lists them; other files have the routes of one image and of the queue.
import type { IncomingMessage } from 'node:http';
import type { Request, Response } from '@google-cloud/functions-framework';
import type { Redis } from 'ioredis';
import type { Config } from '../lib/config.ts';
import { goneSignal } from '../lib/service/caller-gone.ts';
import { EVENTS_PATH, withoutEventToken } from '../lib/service/event-path.ts';
import { bodyOf, sendJson, type Handler } from '../lib/service/http.ts';
import { mediaTypeOf } from '../lib/service/media-type.ts';
import { freeBytes } from '../lib/image/pixels.ts';
import { DeadLetters } from '../lib/queue/dead-letters.ts';
import type { ImageLedger } from '../lib/queue/image-ledger.ts';
import type { ImageReader } from '../lib/queue/image-reader.ts';
import { expireResults } from '../lib/store/results.ts';
import type { Stores } from '../lib/store/stores.ts';
import { annotate } from '../lib/tracing/spans.ts';
import { kindOfBody } from './body-kind.ts';
import type { Caller } from './callers.ts';
import { isCloudEvent, isNotificationBody } from './event-request.ts';
import { eventRoutes } from './event-routes.ts';
import { dispatch, methodsAt, withoutQuery, type Exchange, type RouteTable } from './exchange.ts';
import { nameByBytes } from './image-id.ts';
import { imageRoutes } from './image-routes.ts';
import { Intake, type IntakeParts } from './intake.ts';
import { isOpenApiRequest, OPEN_API_PATH, sendOpenApi } from './open-api.ts';
import { isPageRequest } from './page-request.ts';
import { queueRoutes } from './queue-routes.ts';
import { inputRequestOf, queryOf, targetOf, uploadRequestOf } from './requests.ts';
import { acceptedView, listedView } from './status.ts';
import { StoredInputs } from './stored-inputs.ts';
import { assertIsOn } from './switches.ts';
import type { UploadLimit } from './upload-limit.ts';

const LISTED = 100;

export interface RoutesParts extends IntakeParts {
  redis: Redis;
  ledger: ImageLedger;
  images: ImageReader;
  stores: Stores;
  /** Returns who sends a request. Throws a {@link Problem} if the request is not accepted. */
  callerOf: (req: Request) => Caller;
  uploads: Pick<UploadLimit, 'hold'>;
}

/** Returns the handler of all requests to split. */
export function createRoutes(table: RouteTable, parts: Pick<RoutesParts, 'config' | 'callerOf'>): Handler {
  return async (req, res) => {
    if (isPageRequest(req, parts.config)) return (await import('./page-response.ts')).sendPage(req, res);
    const caller = isPublic(req, parts.config) ? NOBODY : parts.callerOf(req);
    const { path, query } = targetOf(withoutEventToken(req.originalUrl));
    const { methods, id } = methodsAt(table, path);
    await dispatch(methods, { req, res, query, caller, id });
  };
}

/** The caller of a request that needs no token. */
const NOBODY: Caller = { name: '', owner: '' };

/** Returns whether a request needs no token, because its answer is the same for everyone. */
export function isPublic(req: IncomingMessage, config: Pick<Config, 'page'>): boolean {
  return isPageRequest(req, config) || isOpenApiRequest(req);
}

/** Returns whether a request brings an image, or names stored ones. Such a request needs a place, and room in Redis. */
export function bringsImages({ method, url = '' }: Pick<IncomingMessage, 'method' | 'url'>): boolean {
  return method === 'POST' && ['/', EVENTS_PATH].includes(targetOf(withoutEventToken(url)).path);
}

/** Returns all routes of split. */
export function routesOf(parts: RoutesParts): RouteTable {
  const { config, redis, ledger, images, stores, log, uploads } = parts;
  const deadLetters = new DeadLetters(redis, config);
  const settings = { kernel: config.kernelSize };
  const intake = new Intake(parts);
  const storedInputs = new StoredInputs({
    config,
    inputs: stores.inputs,
    take: (...image) => intake.take(...image),
  });
  const events = eventRoutes({
    config,
    inputs: stores.inputs,
    take: (...image) => intake.take(...image),
    log,
    stores,
    uploads,
  });

  /** Accepts an image, JSON that names stored inputs, or an event about a bucket. */
  async function take(exchange: Exchange): Promise<void> {
    const { req, res, query, caller } = exchange;
    const body = await bodyOf(req);
    if (isCloudEvent(req.headers) || isNotificationBody(req.headers, body)) return events.takeEvent(exchange);
    const kind = kindOfBody(mediaTypeOf(req.headers), body);
    await uploads.hold(res, () => (kind === 'image' ? takeUpload : takeInputs)(res, query, body, caller));
    await expireResults(stores.results, log);
  }

  async function takeUpload(res: Response, query: string, body: Buffer, caller: Caller): Promise<void> {
    const { name, recipe, format } = uploadRequestOf(query, settings);
    const record = await intake
      .take(name ?? (await nameByBytes(body)), recipe, body, caller, { format, gone: goneSignal(res) })
      .finally(() => freeBytes(body));
    annotate({ 'tessera.image': record.id });
    res.setHeader('location', `/images/${record.id}`);
    sendJson(res, 202, acceptedView(record));
  }

  async function takeInputs(res: Response, query: string, body: Buffer, caller: Caller): Promise<void> {
    assertIsOn(config.storedInputs, 'Blurring stored images');
    queryOf(query, [], 'a JSON request');
    const request = inputRequestOf(body, settings);
    const answer = await storedInputs.take(request, caller, goneSignal(res));
    const [first] = answer.images;
    if (answer.images.length === 1 && 'id' in first) res.setHeader('location', `/images/${first.id}`);
    sendJson(res, 202, answer);
  }

  async function list({ res, caller: { owner } }: Exchange): Promise<void> {
    assertIsOn(config.imageList, 'Listing images');
    const records = await images.newest(LISTED, owner ?? '');
    sendJson(res, 200, { images: records.map(listedView) });
  }

  return {
    '/': { POST: take },
    ...events.table,
    '/images': { GET: withoutQuery(list) },
    [OPEN_API_PATH]: { GET: withoutQuery(({ res }) => sendOpenApi(res)) },
    ...imageRoutes({ config, ledger, images, deadLetters, stores }),
    ...queueRoutes({ redis, config, deadLetters }),
  };
}
