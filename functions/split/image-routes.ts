// The routes of one image: its status, its tiles and its result; cancel it, or try it again.
import { Problem } from '../lib/errors.ts';
import type { DeadLetters } from '../lib/queue/dead-letters.ts';
import type { ImageLedger, ImageRecord } from '../lib/queue/image-ledger.ts';
import { sendJson } from '../lib/service/http.ts';
import type { Stores } from '../lib/store/stores.ts';
import type { Caller } from './callers.ts';
import { unknownImage, withoutQuery, type Exchange, type RouteTable } from './exchange.ts';
import { missingResult, sendResult, type ResultParts } from './result.ts';
import { acceptedView, statusView, tilesView } from './status.ts';

export interface ImageRoutesParts {
  ledger: ImageLedger;
  deadLetters: DeadLetters;
  stores: Pick<Stores, 'results'>;
}

export function imageRoutes({ ledger, deadLetters, stores }: ImageRoutesParts): RouteTable {
  async function status({ res, id, caller }: Exchange): Promise<void> {
    const record = await recordOf(id, caller);
    const dead = await ledger.deadTiles(id);
    const missing = record.state === 'done' ? await missingResult(record, resultParts(caller)) : null;
    sendJson(res, 200, statusView(record, dead, missing));
  }

  async function tiles({ res, id, caller }: Exchange): Promise<void> {
    const record = await recordOf(id, caller);
    const map = await ledger.tileMap(id, record.tiles);
    if (map === null) throw unknownImage(id);
    sendJson(res, 200, tilesView(record, map));
  }

  async function result({ req, res, id, caller }: Exchange): Promise<void> {
    await sendResult(req, res, await recordOf(id, caller), resultParts(caller));
  }

  async function retry({ res, id, caller }: Exchange): Promise<void> {
    const { state } = await recordOf(id, caller);
    const requeued = await deadLetters.requeueImage(id);
    if (requeued === 0) throw notRetryable(id, state);
    sendJson(res, 202, acceptedView(await recordOf(id, caller)));
  }

  async function cancel({ res, id, caller }: Exchange): Promise<void> {
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

  return {
    '/images/{id}': { GET: withoutQuery(status), DELETE: withoutQuery(cancel) },
    '/images/{id}/tiles': { GET: withoutQuery(tiles) },
    '/images/{id}/result': { GET: withoutQuery(result) },
    '/images/{id}/retry': { POST: withoutQuery(retry) },
  };
}

function notRetryable(id: string, state: ImageRecord['state']): Problem {
  const why =
    state === 'failed'
      ? 'the pixels of its failed tiles are gone. Send the image again'
      : `it is ${state}, and none of its tiles has failed`;
  return new Problem('not-retryable', `Image ${id} cannot be tried again: ${why}.`);
}
