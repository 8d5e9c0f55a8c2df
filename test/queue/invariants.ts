// What must be true for the queue's keys after every script, whatever happened before. It is derived from the
// keys only: no model, no code under test.
import { RECORD_BYTES } from '../../functions/lib/queue/record-bytes.ts';
import type { ImageSnapshot, Snapshot } from './snapshot.ts';

/** Returns every broken promise in words; empty if there is none. */
export function brokenInvariants(snapshot: Snapshot): string[] {
  const broken: string[] = [];
  const must = (holds: boolean, promise: string) => {
    if (!holds) broken.push(promise);
  };
  must(snapshot.strays.length === 0, `no stray keys, but ${snapshot.strays.join(', ')}`);
  for (const [id, image] of Object.entries(snapshot.byImage)) {
    if (isSwept(image)) checkSwept(id, image, snapshot, must);
    must(
      'state' in image.meta || isSwept(image),
      `every image with keys has a record or is swept, ${id} too`,
    );
    if (!('state' in image.meta)) continue;
    must(id in snapshot.images, `image ${id} is in the index`);
    if (isOver(image)) checkOver(id, image, snapshot, must);
    else checkLive(id, image, snapshot, must);
  }
  checkImages(snapshot, must);
  checkNotices(snapshot, must);
  checkJobs(snapshot, must);
  checkList(snapshot, must);
  return broken;
}

type Must = (holds: boolean, promise: string) => void;

/** Its life has ended, and not everything that it held is freed yet. */
export function isSwept(image: ImageSnapshot | undefined): boolean {
  return image !== undefined && 'left' in image.sweep;
}

/** Done, cancelled, or failed and dropped: only the record is left, or will be. */
export function isOver(image: ImageSnapshot): boolean {
  const { state } = image.meta;
  const isDropped = state === 'failed' && Object.keys(image.tiles).length === 0;
  return state === 'done' || state === 'cancelled' || isDropped;
}

/** Tiles of an ended life that still have to be freed, and where they were. */
function leftTiles(image: ImageSnapshot): Record<string, string> {
  const left = Number(image.sweep.left);
  return Object.fromEntries(Object.entries(image.endedTiles).filter(([tile]) => Number(tile) < left));
}

function checkSwept(id: string, image: ImageSnapshot, snapshot: Snapshot, must: Must): void {
  must(snapshot.sweeps[id] === 0, `${id} is swept at once`);
  for (const part of ['tiles', 'tokens', 'attempts', 'acks', 'dead'] as const) {
    must(Object.keys(image[part]).length === 0, `nobody finds the ${part} of ${id}, which is swept`);
  }
  const left = leftTiles(image);
  for (const part of ['src', 'out'] as const) {
    const freed = Object.keys(image[part]).filter((tile) => !(tile in left));
    must(freed.length === 0, `what is swept of ${id} is freed, but not ${part} ${freed.join()}`);
  }
}

function checkOver(id: string, image: ImageSnapshot, snapshot: Snapshot, must: Must): void {
  must(image.expiring.includes('meta'), `the record of ${id}, which is over, expires`);
  must(!('life' in image.meta), `${id} is over and has no life`);
  must(!(id in snapshot.outbox), `${id} is over and out of the outbox`);
  must(!(id in snapshot.dead), `${id} is over and no dead letter`);
  if (isSwept(image)) return;
  must(id in snapshot.records, `the record of ${id} can give way`);
  const kept = [...image.staying, ...image.expiring].filter((part) => part !== 'meta');
  must(kept.length === 0, `only the record of ${id} is left, not ${kept.join()}`);
  must(Number(snapshot.admitted[id]) === RECORD_BYTES, `${id} is over and holds the memory of its record`);
}

function checkLive(id: string, image: ImageSnapshot, snapshot: Snapshot, must: Must): void {
  const { state } = image.meta;
  const expected = Number(image.meta.tiles);
  const states = Object.values(image.tiles);
  const count = (wanted: string) => states.filter((each) => each === wanted).length;
  const [done, dead] = [count('done'), count('dead')];
  // All tiles are done, but the event was sent too often.
  const isGivenUp = state === 'failed' && done === expected;
  const isBlurred = done === expected && !isGivenUp;
  const isSettled = isGivenUp || (dead > 0 && done + dead === expected);

  must(id in snapshot.admitted, `${id} holds memory and is admitted`);
  must(isBlurred === id in snapshot.outbox, `${id} is in the outbox if and only if all its tiles are done`);
  must(isBlurred === (state === 'blurred'), `${id} is blurred if and only if all its tiles are done`);
  must(
    (dead > 0 || isGivenUp) === (state === 'failed'),
    `${id} has failed if and only if a tile of it is dead`,
  );
  must(isGivenUp === id in snapshot.dead, `${id} is a dead letter if and only if its event was given up`);
  if (!isBlurred && !isGivenUp && dead === 0) {
    const wanted = states.length === expected ? 'blurring' : 'splitting';
    must(state === wanted, `${id} is ${wanted}, not ${state}`);
  }
  const isIncomplete = states.length < expected;
  must(isIncomplete === id in snapshot.splits, `${id} is being split if and only if tiles are missing`);
  must(isSettled === id in snapshot.sweeps, `${id} is swept some time if and only if nothing of it moves`);
  must(!(id in snapshot.records), `the record of ${id} does not give way`);
  must(image.expiring.length === 0, `${id} stays, but not ${image.expiring.join()}`);
  for (const tile of Object.keys(image.tiles)) checkTile(id, tile, image, snapshot, must);
  for (const part of ['attempts', 'tokens', 'acks', 'dead', 'src', 'out'] as const) {
    const unknown = Object.keys(image[part]).filter((tile) => !(tile in image.tiles));
    must(unknown.length === 0, `${part} of ${id} are of tiles that were enqueued, not ${unknown.join()}`);
  }
}

function checkTile(id: string, tile: string, image: ImageSnapshot, snapshot: Snapshot, must: Must): void {
  const job = `${id}:${tile}`;
  const state = image.tiles[tile];
  const places = {
    ready: snapshot.queue.filter((each) => each === job).length,
    leased: Number(job in snapshot.leases),
    delayed: Number(job in snapshot.delayed),
    done: Number(image.done.includes(tile)),
    dead: Number(job in snapshot.dead),
  };
  for (const [place, times] of Object.entries(places)) {
    must(times === Number(place === state), `${job} is ${state}, but ${times} times among the ${place}`);
  }
  const token = image.tokens[tile];
  must((token !== undefined) === (state === 'leased'), `${job} has a token if and only if it is leased`);
  must(token === undefined || snapshot.claims[token] === job, `the claim that holds ${job} is known`);
  must(tile in image.out === (state === 'done'), `${job} has a result if and only if it is done`);
  must(tile in image.src === (state !== 'done'), `${job} has its source if and only if it is not done`);
  must(tile in image.acks === (state === 'done'), `it is known whose ack ended ${job}, once it is done`);
  must(state === 'ready' || Number(image.attempts[tile]) > 0, `${job} was attempted`);
  must(Number(image.attempts[tile] ?? 0) >= 0, `${job} was not attempted less than never`);
  must(tile in image.dead === (state === 'dead'), `it is known why ${job} was given up, once it was`);
}

/** What other keys say about images. */
function checkImages(snapshot: Snapshot, must: Must): void {
  const { byImage, outbox, notices, splits, sweeps, admitted, records, totals } = snapshot;
  for (const id of Object.keys(outbox)) must(id in byImage, `${id}, in the outbox, exists`);
  for (const id of Object.keys(splits))
    must('life' in (byImage[id]?.meta ?? {}), `${id}, being split, lives`);
  for (const id of Object.keys(sweeps)) must(id in byImage, `${id}, to be swept, exists`);
  for (const id of Object.keys(admitted)) {
    must(id in byImage || id in records || id in notices, `${id}, which holds memory, exists`);
  }
  const sum = Object.values(admitted).reduce((all, bytes) => all + Number(bytes), 0);
  must(Number(totals.admitted ?? 0) === sum, `the total of all shares is ${sum} bytes`);
  checkClients(snapshot, must);
}

/** A notice is an entry of the outbox of notices with a record, and holds the memory of one. */
function checkNotices({ notices, noticeRecords, admitted, senders }: Snapshot, must: Must): void {
  for (const notice of new Set([...Object.keys(notices), ...Object.keys(noticeRecords)])) {
    const record = noticeRecords[notice];
    must(notice in notices, `the notice ${notice} is sent some time`);
    must(/^(done|failed)$/.test(record?.state), `the notice ${notice} tells of an end`);
    must(record?.endedAt === notice.split(':')[1], `the notice ${notice} is named after that end`);
    must(Number(admitted[notice]) === RECORD_BYTES, `the notice ${notice} holds the memory of a record`);
    must(!(notice in senders), `the notice ${notice} counts for no client`);
  }
}

/** Sums and records for each client must be those of its images. */
function checkClients({ admitted, senders, clients, records, recordsOf }: Snapshot, must: Must): void {
  const held: Record<string, number> = {};
  for (const [id, client] of Object.entries(senders)) {
    must(id in admitted, `${id}, which counts for ${client}, holds memory`);
    held[client] = (held[client] ?? 0) + Number(admitted[id]);
  }
  for (const client of new Set([...Object.keys(held), ...Object.keys(clients)])) {
    must(Number(clients[client]) === held[client], `the images of ${client} hold ${held[client] ?? 0} bytes`);
  }
  for (const [id, expiry] of Object.entries(records)) {
    must(id in admitted, `${id}, whose record is kept, holds memory`);
    for (const [client, own] of Object.entries(recordsOf)) {
      must(id in own === (senders[id] === client), `${client} has the record of ${id} if it sent it`);
    }
    must(!(id in senders) || recordsOf[senders[id]]?.[id] === expiry, `its sender has the record of ${id}`);
  }
  const listed = Object.values(recordsOf).flatMap((own) => Object.keys(own));
  for (const id of listed) must(id in records, `${id}, a client's record, is kept`);
}

/** Everything that waits, is leased, delayed or dead is a tile of a live image, or of one that is swept. */
function checkJobs(snapshot: Snapshot, must: Must): void {
  const isIn = (job: string, state: string) => {
    const [id, tile] = job.split(':');
    const image = snapshot.byImage[id];
    return image !== undefined && (image.tiles[tile] === state || leftTiles(image)[tile] === state);
  };
  for (const job of Object.keys(snapshot.leases)) must(isIn(job, 'leased'), `the lease of ${job} is held`);
  for (const job of Object.keys(snapshot.delayed)) must(isIn(job, 'delayed'), `${job} is to be retried`);
  for (const letter of Object.keys(snapshot.dead)) {
    must(isIn(letter, 'dead') || letter in snapshot.byImage, `${letter} is a dead letter`);
  }
  for (const job of snapshot.queue) must(isIn(job, 'ready'), `${job} waits and is ready`);
  for (const [token, job] of Object.entries(snapshot.claims)) {
    const [id, tile] = job.split(':');
    const image = snapshot.byImage[id];
    const holder = image?.tokens[tile] ?? (isIn(job, 'leased') ? image?.endedTokens[tile] : undefined);
    must(holder === token, `claim ${token} holds ${job}`);
  }
}

/** Stale entries are counted, so that the list is tidied in time. */
function checkList({ stale, isParted, queue, totals, byImage }: Snapshot, must: Must): void {
  must(!isParted || 'tidying' in totals, 'the list has a tidied part only while it is tidied');
  must(!('tidying' in totals) || queue.length + stale.length > 0, 'an empty list is not tidied');
  if ('tidying' in totals) return;
  const unswept = Object.values(byImage)
    .filter(isSwept)
    .flatMap((image) => Object.values(leftTiles(image)));
  const counted = Number(totals.stale ?? 0) + unswept.filter((state) => state === 'ready').length;
  must(stale.length <= counted, `at most ${counted} entries of the list are stale, not ${stale.length}`);
}
