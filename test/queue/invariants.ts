// What must hold of the queue's keys after every script, whatever was done before. It is told from the keys alone: no
// model, no code under test.
import type { ImageSnapshot, Snapshot } from './snapshot.ts';

/** Every promise the keys break, in words; none when all is well. */
export function brokenInvariants(snapshot: Snapshot): string[] {
  const broken: string[] = [];
  const must = (holds: boolean, promise: string) => {
    if (!holds) broken.push(promise);
  };
  must(snapshot.strays.length === 0, `no stray keys, but ${snapshot.strays.join(', ')}`);
  for (const [id, image] of Object.entries(snapshot.byImage)) {
    must('state' in image.meta, `every image with keys has a record, ${id} too`);
    must(id in snapshot.images, `image ${id} is in the index`);
    if (isOver(image)) checkOver(id, image, snapshot, must);
    else checkLive(id, image, snapshot, must);
  }
  for (const id of Object.keys(snapshot.outbox)) must(id in snapshot.byImage, `${id}, in the outbox, exists`);
  const admitted = Object.values(snapshot.admitted).reduce((sum, bytes) => sum + Number(bytes), 0);
  must(Number(snapshot.totals.admitted ?? 0) === admitted, `the total of all shares is ${admitted} bytes`);
  checkJobs(snapshot, must);
  return broken;
}

type Must = (holds: boolean, promise: string) => void;

/** Done, cancelled, or failed and dropped: nothing but the record is left. */
export function isOver(image: ImageSnapshot): boolean {
  const { state } = image.meta;
  const isDropped = state === 'failed' && Object.keys(image.tiles).length === 0;
  return state === 'done' || state === 'cancelled' || isDropped;
}

function checkOver(id: string, image: ImageSnapshot, snapshot: Snapshot, must: Must): void {
  must(image.staying.length === 0, `the record of ${id}, which is over, expires`);
  must(image.expiring.join() === 'meta', `only the record of ${id} is left, not ${image.expiring.join()}`);
  must(!(id in snapshot.outbox), `${id} is over and out of the outbox`);
  must(!(id in snapshot.admitted), `${id} is over and holds no memory`);
  must(!Number(image.meta.dead), `${id} is over and counts no dead tiles`);
}

function checkLive(id: string, image: ImageSnapshot, snapshot: Snapshot, must: Must): void {
  const { state } = image.meta;
  const expected = Number(image.meta.tiles);
  const states = Object.values(image.tiles);
  const count = (wanted: string) => states.filter((each) => each === wanted).length;
  const [done, dead] = [count('done'), count('dead')];
  const isBlurred = done === expected;
  const isSettled = dead > 0 && done + dead === expected;

  must(id in snapshot.admitted, `${id} holds memory and is admitted`);
  must(Number(image.meta.dead ?? 0) === dead, `${id} counts its ${dead} dead tiles`);
  must(isBlurred === id in snapshot.outbox, `${id} is in the outbox if and only if all its tiles are done`);
  must(isBlurred === (state === 'blurred'), `${id} is blurred if and only if all its tiles are done`);
  must(dead > 0 === (state === 'failed'), `${id} has failed if and only if a tile of it is dead`);
  if (!isBlurred && dead === 0) {
    const wanted = states.length === expected ? 'blurring' : 'splitting';
    must(state === wanted, `${id} is ${wanted}, not ${state}`);
  }
  const unwanted = isSettled ? image.staying : image.expiring;
  must(
    unwanted.length === 0,
    `${id} ${isSettled ? 'expires as a whole' : 'stays'}, but not ${unwanted.join()}`,
  );
  for (const tile of Object.keys(image.tiles)) checkTile(id, tile, image, snapshot, must);
  for (const part of ['attempts', 'tokens', 'acks', 'errors', 'src', 'out'] as const) {
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
  must(state !== 'done' || !(tile in image.errors), `${job} is done and has no error`);
  must(!/delayed|dead/.test(state) || tile in image.errors, `it is known why ${job} is ${state}`);
}

/** Whatever waits, is leased or delayed is a tile of a live image. A dead letter may outlive its image's record. */
function checkJobs(snapshot: Snapshot, must: Must): void {
  const stateOf = (job: string) => {
    const [id, tile] = job.split(':');
    return snapshot.byImage[id]?.tiles[tile];
  };
  for (const job of Object.keys(snapshot.leases))
    must(stateOf(job) === 'leased', `the lease of ${job} is held`);
  for (const job of Object.keys(snapshot.delayed))
    must(stateOf(job) === 'delayed', `${job} is to be retried`);
  for (const [token, job] of Object.entries(snapshot.claims)) {
    const [id, tile] = job.split(':');
    must(snapshot.byImage[id]?.tokens[tile] === token, `claim ${token} holds ${job}`);
  }
  for (const job of snapshot.queue) {
    const state = stateOf(job);
    must(state === 'ready' || state === undefined, `${job} waits, but is ${state}`);
  }
  for (const job of Object.keys(snapshot.dead)) {
    const state = stateOf(job);
    must(state === 'dead' || state === undefined, `${job} is a dead letter, but is ${state}`);
  }
}
