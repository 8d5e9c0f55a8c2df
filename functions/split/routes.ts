// Step 1 of the walk: the HTTP API. Takes images in, tells how they are doing, hands out results.
import type { Request, Response } from '@google-cloud/functions-framework';
import type { Config } from '../lib/config.ts';
import { Problem, problemBody, type ProblemBody } from '../lib/errors.ts';
import { bodyOf, sendJson, type Handler } from '../lib/service/http.ts';
import { freeBytes } from '../lib/image/pixels.ts';
import { isImageId } from '../lib/job.ts';
import type { ImageRecord } from '../lib/queue/image-ledger.ts';
import { redisProblem } from '../lib/redis/connection.ts';
import { outputNames } from '../lib/store/output-names.ts';
import type { Caller } from './callers.ts';
import { Intake, type IntakeParts } from './intake.ts';
import { inputRequestOf, kernelOf, nameOf } from './requests.ts';
import { missingResult, sendResult } from './result.ts';
import { acceptedView, listedView, statusView } from './status.ts';

const LISTED = 100;

export interface RoutesParts extends IntakeParts {
  /** Who sends a request. Throws a {@link Problem} for one that may not come in. */
  callerOf: (req: Request) => Caller;
}

/** The handler of every request to split. */
export function createRoutes(parts: RoutesParts): Handler {
  const { config, ledger, stores, callerOf } = parts;
  const resultParts = { results: stores.results, findRecord: (id: string) => ledger.record(id) };
  const intake = new Intake(parts);

  /** A JSON body, or none of any kind, names inputs; anything else is an image. */
  async function take(req: Request, res: Response): Promise<void> {
    const body = await bodyOf(req);
    const type = req.headers['content-type'] ?? '';
    const isImage = body.length === 0 ? type.startsWith('image/') : !type.startsWith('application/json');
    await (isImage ? takeUpload(req, res, body) : takeInputs(req, res, body));
  }

  async function takeUpload(req: Request, res: Response, body: Buffer): Promise<void> {
    const kernelSize = kernelOf(req.query.kernel, config.kernelSize);
    const name = nameOf(req.query.name, body);
    const record = await intake.take(name, kernelSize, body, callerOf(req)).finally(() => freeBytes(body));
    res.setHeader('location', `/images/${record.id}`);
    sendJson(res, 202, acceptedView(record));
  }

  /** Takes in everything a JSON request names. A bad image is told in its own record and stops no other. */
  async function takeInputs(req: Request, res: Response, body: Buffer): Promise<void> {
    assertIsOn(config.storedInputs, 'Blurring stored images');
    const caller = callerOf(req);
    const { input, kernelSize } = inputRequestOf(body, config.kernelSize);
    const images: (
      ReturnType<typeof acceptedView> | { name: string; status: 'refused'; error: ProblemBody }
    )[] = [];
    const { names } = await stores.inputs.list(input);
    const outputs = outputNames(names);
    for (const [at, name] of names.entries()) {
      try {
        const bytes = await stores.inputs.read(name, config.maxBodyBytes);
        images.push(acceptedView(await intake.take(name, kernelSize, bytes, caller, outputs[at])));
      } catch (thrown) {
        const error = redisProblem(thrown);
        if (!(error instanceof Problem)) throw error;
        images.push({ name, status: 'refused', error: problemBody(error) });
      }
    }
    const [first] = images;
    if (images.length === 1 && 'id' in first) res.setHeader('location', `/images/${first.id}`);
    sendJson(res, 202, { images });
  }

  async function list(_req: Request, res: Response): Promise<void> {
    assertIsOn(config.imageList, 'Listing images');
    const records = await ledger.newest(LISTED);
    sendJson(res, 200, { images: records.map(listedView) });
  }

  async function status(_req: Request, res: Response, id: string): Promise<void> {
    const [record, dead] = await Promise.all([recordOf(id), ledger.deadTiles(id)]);
    const missing = record.state === 'done' ? await missingResult(record, resultParts) : null;
    sendJson(res, 200, statusView(record, dead, missing));
  }

  async function result(req: Request, res: Response, id: string): Promise<void> {
    await sendResult(req, res, await recordOf(id), resultParts);
  }

  async function cancel(_req: Request, res: Response, id: string): Promise<void> {
    const answer = await ledger.cancel(id);
    if (answer === null) throw unknownImage(id);
    if (answer === 'done') throw new Problem('conflict', `Image ${id} is done; there is nothing to cancel.`);
    sendJson(res, 200, acceptedView(await recordOf(id)));
  }

  async function recordOf(id: string): Promise<ImageRecord> {
    const record = await ledger.record(id);
    if (!record) throw unknownImage(id);
    return record;
  }

  return async (req, res) => {
    callerOf(req);
    const [, root, id, leaf, ...rest] = req.path.replace(/(.)\/$/, '$1').split('/');
    if (root === '') return dispatch(req, res, { POST: take });
    if (root === 'images' && id === undefined) return dispatch(req, res, { GET: list });
    if (root === 'images' && isImageId(id) && rest.length === 0) {
      if (leaf === undefined) return dispatch(req, res, { GET: status, DELETE: cancel }, id);
      if (leaf === 'result') return dispatch(req, res, { GET: result }, id);
    }
    if (root === 'images' && leaf === undefined) throw unknownImage(id);
    throw new Problem('not-found', `There is nothing at ${req.path}.`);
  };
}

type Route = (req: Request, res: Response, id: string) => Promise<void>;

async function dispatch(req: Request, res: Response, methods: Record<string, Route>, id = ''): Promise<void> {
  const route = methods[req.method === 'HEAD' ? 'GET' : req.method];
  if (route) return route(req, res, id);
  const allowed = Object.keys(methods).join(', ');
  res.setHeader('allow', allowed);
  throw new Problem('method-not-allowed', `${req.method} is not allowed here; ${allowed} is.`);
}

function assertIsOn(setting: Config['storedInputs'], what: string): void {
  if (setting === 'off') throw new Problem('switched-off', `${what} is switched off here.`);
}

function unknownImage(id: string): Problem {
  return new Problem('not-found', `There is no image ${JSON.stringify(id.slice(0, 100))}.`);
}
