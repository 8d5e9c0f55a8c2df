// Step 1 of the pipeline: the HTTP API. Accepts images, shows their status, sends results.
import type { Request, Response } from '@google-cloud/functions-framework';
import type { Config } from '../lib/config.ts';
import { Problem } from '../lib/errors.ts';
import { goneSignal } from '../lib/service/caller-gone.ts';
import { bodyOf, sendJson, type Handler } from '../lib/service/http.ts';
import { mediaTypeOf } from '../lib/service/media-type.ts';
import { freeBytes } from '../lib/image/pixels.ts';
import { isImageId } from '../lib/job.ts';
import type { ImageLedger, ImageRecord } from '../lib/queue/image-ledger.ts';
import { expireResults } from '../lib/store/results.ts';
import type { Stores } from '../lib/store/stores.ts';
import { kindOfBody } from './body-kind.ts';
import type { Caller } from './callers.ts';
import { nameByBytes } from './image-id.ts';
import { Intake, type IntakeParts } from './intake.ts';
import { isPageRequest } from './page-request.ts';
import { inputRequestOf, queryOf, targetOf, uploadRequestOf } from './requests.ts';
import { missingResult, sendResult, type ResultParts } from './result.ts';
import { acceptedView, listedView, statusView } from './status.ts';
import { StoredInputs } from './stored-inputs.ts';
import type { UploadLimit } from './upload-limit.ts';

const LISTED = 100;

export interface RoutesParts extends IntakeParts {
  ledger: ImageLedger;
  stores: Stores;
  /** Returns who sends a request. Throws a {@link Problem} if the request is not accepted. */
  callerOf: (req: Request) => Caller;
  uploads: Pick<UploadLimit, 'hold'>;
}

/** Returns the handler of all requests to split. */
export function createRoutes(parts: RoutesParts): Handler {
  const { config, ledger, stores, log, callerOf, uploads } = parts;
  const settings = { kernel: config.kernelSize };
  const intake = new Intake(parts);
  const storedInputs = new StoredInputs({
    config,
    inputs: stores.inputs,
    take: (...image) => intake.take(...image),
  });

  /** Accepts an image, or JSON that names stored inputs. */
  async function take(req: Request, res: Response, query: string, caller: Caller): Promise<void> {
    const body = await bodyOf(req);
    const kind = kindOfBody(mediaTypeOf(req.headers), body);
    await uploads.hold(res, () => (kind === 'image' ? takeUpload : takeInputs)(res, query, body, caller));
    await expireResults(stores.results, log);
  }

  async function takeUpload(res: Response, query: string, body: Buffer, caller: Caller): Promise<void> {
    const { name, recipe } = uploadRequestOf(query, settings);
    const record = await intake
      .take(name ?? (await nameByBytes(body)), recipe, body, caller, { gone: goneSignal(res) })
      .finally(() => freeBytes(body));
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

  async function list(res: Response, { owner }: Caller): Promise<void> {
    assertIsOn(config.imageList, 'Listing images');
    const records = await ledger.newest(LISTED, owner ?? '');
    sendJson(res, 200, { images: records.map(listedView) });
  }

  async function status(res: Response, id: string, caller: Caller): Promise<void> {
    const record = await recordOf(id, caller);
    const dead = await ledger.deadTiles(id);
    const missing = record.state === 'done' ? await missingResult(record, resultParts(caller)) : null;
    sendJson(res, 200, statusView(record, dead, missing));
  }

  async function result(req: Request, res: Response, id: string, caller: Caller): Promise<void> {
    await sendResult(req, res, await recordOf(id, caller), resultParts(caller));
  }

  async function cancel(res: Response, id: string, caller: Caller): Promise<void> {
    await recordOf(id, caller);
    const answer = await ledger.cancel(id);
    if (answer === null) throw unknownImage(id);
    if (answer === 'done') await deleteResult(id, caller);
    sendJson(res, 200, acceptedView(await recordOf(id, caller)));
  }

  /** Deletes the image's result; the image stays done. */
  async function deleteResult(id: string, caller: Caller): Promise<void> {
    const { output } = await recordOf(id, caller);
    if ((await ledger.dropResult(id)) === 'dropped') await stores.results.remove(id, output);
  }

  /** Returns the record of an image if the caller may see it. For other callers it does not exist. */
  async function findRecord(id: string, { owner }: Caller): Promise<ImageRecord | null> {
    const record = await ledger.record(id);
    return owner === null || record?.owner === owner ? record : null;
  }

  async function recordOf(id: string, caller: Caller): Promise<ImageRecord> {
    const record = await findRecord(id, caller);
    if (!record) throw unknownImage(id);
    return record;
  }

  function resultParts(caller: Caller): ResultParts {
    return { results: stores.results, findRecord: (id) => findRecord(id, caller) };
  }

  return async (req, res) => {
    if (isPageRequest(req, config)) return (await import('./page-response.ts')).sendPage(req, res);
    const caller = callerOf(req);
    const { path, query } = targetOf(req.originalUrl);
    if (path === '/') return dispatch(req, res, { POST: () => take(req, res, query, caller) });
    const [, root, id, leaf, ...rest] = path.split('/');
    const isKnown = leaf === undefined || (leaf === 'result' && rest.length === 0);
    if (root !== 'images' || !isKnown) throw new Problem('not-found', `There is nothing at ${path}.`);
    queryOf(query, []);
    if (id === undefined) return dispatch(req, res, { GET: () => list(res, caller) });
    if (!isImageId(id)) throw unknownImage(id);
    if (leaf === 'result') return dispatch(req, res, { GET: () => result(req, res, id, caller) });
    return dispatch(req, res, {
      GET: () => status(res, id, caller),
      DELETE: () => cancel(res, id, caller),
    });
  };
}

/** Calls the route of the request's method. HEAD is a GET whose body Node leaves out. */
async function dispatch(
  req: Request,
  res: Response,
  methods: Record<string, () => Promise<void>>,
): Promise<void> {
  const route = methods[req.method === 'HEAD' ? 'GET' : req.method];
  if (route) return route();
  const allowed = [...Object.keys(methods), ...('GET' in methods ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  res.setHeader('allow', allowed);
  if (req.method !== 'OPTIONS') {
    throw new Problem('method-not-allowed', `${req.method} is not allowed here; ${allowed} are.`);
  }
  res.writeHead(204).end();
}

function assertIsOn(setting: Config['storedInputs'], what: string): void {
  if (setting === 'off') throw new Problem('switched-off', `${what} is switched off here.`);
}

function unknownImage(id: string): Problem {
  return new Problem('not-found', `There is no image ${JSON.stringify(id)}.`);
}
