// The route for events about buckets. bucket-events.ts reads which objects they name, and written-objects.ts takes these in.
import { goneSignal } from '../lib/service/caller-gone.ts';
import { EVENTS_PATH } from '../lib/service/event-path.ts';
import { bodyOf, sendJson } from '../lib/service/http.ts';
import { acceptsReply } from '../lib/service/prefer.ts';
import { expireResults } from '../lib/store/results.ts';
import type { Stores } from '../lib/store/stores.ts';
import { isCloudEvent } from './event-request.ts';
import type { Exchange, Route, RouteTable } from './exchange.ts';
import { queryOf } from './requests.ts';
import type { UploadLimit } from './upload-limit.ts';
import { WrittenObjects, type WrittenObjectsParts } from './written-objects.ts';

export interface EventRoutesParts extends WrittenObjectsParts {
  stores: Pick<Stores, 'results'>;
  uploads: Pick<UploadLimit, 'hold'>;
}

/** Returns the route that takes an event, also for other paths, and the table with its own path. */
export function eventRoutes(parts: EventRoutesParts): { takeEvent: Route; table: RouteTable } {
  const { stores, log, uploads } = parts;
  const objects = new WrittenObjects(parts);

  async function takeEvent({ req, res, query, caller }: Exchange): Promise<void> {
    queryOf(query, [], 'an event');
    const body = await bodyOf(req);
    await uploads.hold(res, async () => {
      const written = await writtenIn(req.headers, body);
      const answer = await objects.take(written, caller, goneSignal(res));
      if (written.length === 0) res.writeHead(204).end();
      else if (acceptsReply(req.headers.prefer))
        res.writeHead(202).end(); // A Broker would refuse a body that is not an event.
      else sendJson(res, 202, answer);
    });
    await expireResults(stores.results, log);
  }

  return { takeEvent, table: { [EVENTS_PATH]: { POST: takeEvent } } };
}

async function writtenIn(headers: Exchange['req']['headers'], body: Buffer) {
  // MinIO sends an empty request to check that the receiver is there.
  if (body.length === 0 && !isCloudEvent(headers)) return [];
  const { writtenObjects } = await import('./bucket-events.ts');
  return writtenObjects(headers, body.toString());
}
