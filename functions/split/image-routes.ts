// The routes of one image: its status, its tiles and its result; cancel it, or try it again.
import type { Config } from '../lib/config.ts';
import { Problem } from '../lib/errors.ts';
import type { DeadLetters } from '../lib/queue/dead-letters.ts';
import type { ImageLedger } from '../lib/queue/image-ledger.ts';
import type { ImageReader } from '../lib/queue/image-reader.ts';
import type { ImageRecord } from '../lib/queue/image-record.ts';
import { CallerGone, goneSignal } from '../lib/service/caller-gone.ts';
import { sendJson } from '../lib/service/http.ts';
import type { Stores } from '../lib/store/stores.ts';
import type { Caller } from './callers.ts';
import { unknownImage, withoutQuery, type Exchange, type RouteTable } from './exchange.ts';
import { queryOf } from './requests.ts';
import { missingResult, sendResult, type ResultParts } from './result.ts';
import { lookOf, StatusWait, waitOf } from './status-wait.ts';
import { acceptedView, statusView, tilesView } from './status.ts';

type Owner = Pick<Caller, 'owner'>;
/** A caller that may see every image. A status is read once for all requests that wait for an image, and each of them may see it. */
const ANYONE: Owner = { owner: null };

export interface ImageRoutesParts {
  config: Pick<Config, 'clientShare'>;
  ledger: Pick<ImageLedger, 'cancel' | 'dropResult'>;
  images: ImageReader;
  deadLetters: DeadLetters;
  stores: Pick<Stores, 'results'>;
}

export function imageRoutes({ config, ledger, images, deadLetters, stores }: ImageRoutesParts): RouteTable {
  const waits = new StatusWait(config.clientShare, {
    look: async (ids) => (await images.glimpses(ids)).map(lookOf),
    read: async (id) => {
      const record = await recordOf(id, ANYONE);
      return viewOf(record, { owner: record.owner || null });
    },
  });

  async function status({ res, id, query, caller }: Exchange): Promise<void> {
    const seconds = waitOf(queryOf(query, ['wait']).wait);
    const record = await recordOf(id, caller);
    const isOver = record.endedAt !== null || seconds === 0;
    const view = isOver
      ? await viewOf(record, caller)
      : await waits.next(record, seconds, caller.name, goneSignal(res));
    if (view === null) throw new CallerGone();
    sendJson(res, 200, view);
  }

  async function viewOf(record: ImageRecord, caller: Owner): Promise<ReturnType<typeof statusView>> {
    const dead = await images.deadTiles(record.id);
    const missing = record.state === 'done' ? await missingResult(record, resultParts(caller)) : null;
    return statusView(record, dead, missing);
  }

  async function tiles({ res, id, caller }: Exchange): Promise<void> {
    const record = await recordOf(id, caller);
    const map = await images.tileMap(id, record.tiles);
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
  async function deleteResult(id: string, caller: Owner): Promise<void> {
    const { output } = await recordOf(id, caller);
    if ((await ledger.dropResult(id)) === 'dropped') await stores.results.remove(id, output);
  }

  /** Returns the record of an image if the caller may see it. For other callers it does not exist. */
  async function findRecord(id: string, { owner }: Owner): Promise<ImageRecord | null> {
    const record = await images.record(id);
    return owner === null || record?.owner === owner ? record : null;
  }

  async function recordOf(id: string, caller: Owner): Promise<ImageRecord> {
    const record = await findRecord(id, caller);
    if (!record) throw unknownImage(id);
    return record;
  }

  function resultParts(caller: Owner): ResultParts {
    return { results: stores.results, findRecord: (id) => findRecord(id, caller) };
  }

  return {
    '/images/{id}': { GET: status, DELETE: withoutQuery(cancel) },
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
