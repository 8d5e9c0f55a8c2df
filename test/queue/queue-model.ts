// The queue as a few plain objects, written from the queue's promises and not from its scripts. The model
// test compares each answer, and everything in Redis, with this.
import { ImageModel, type Place, type TileModel } from './image-model.ts';
import { RECORD_BYTES } from '../../functions/lib/queue/record-bytes.ts';
import { COUNTERS } from '../../functions/lib/queue/measures.ts';
import { BUDGET_BYTES, CLIENT_BYTES, POLICY, RESULT_BYTES, START_MS, UPLOAD_BYTES } from './rig.ts';

const ABANDONED_MS = 10 * 60 * 1000;
const MAX_PAUSE_MS = 30_000;

type Answer = string | null;
type Counter = (typeof COUNTERS)[number];

/** An image when it is started. */
interface Plan {
  tiles: number;
  bytes: number;
  client: string;
  again: boolean;
}

export class QueueModel {
  now = START_MS;
  readonly images = new Map<string, ImageModel>();
  /** Jobs from the end where new ones are added to the end where they are claimed. */
  queue: string[] = [];
  /** What each image holds of the budget. */
  readonly admitted = new Map<string, number>();
  /** The client whose share that counts for. */
  readonly senders = new Map<string, string>();
  /** Images that have ended, and when their records expire. */
  readonly records = new Map<string, number>();
  /** Dead letters, tiles or whole images, and when they became dead letters. */
  readonly dead = new Map<string, number>();
  /** Notices by name: when each is sent next, how often it was sent, and what it tells. */
  readonly notices = new Map<string, { due: number; sent: number; state: 'done' | 'failed' }>();
  /** Images and when they were started, until an expired record is noticed. */
  readonly index = new Map<string, number>();
  /** How often each thing has happened, and how many bytes. */
  readonly counters = Object.fromEntries(COUNTERS.map((name) => [name, 0])) as Record<Counter, number>;
  /** Every claim that was ever returned, in order: its worker may come back with it. */
  readonly claimed: { job: string; token: string }[] = [];

  begin(id: string, { tiles, bytes, client, again }: Plan): Answer {
    const known = this.images.get(id);
    if (known && !known.startsOver(again)) {
      known.touchedAt = this.now;
      return known.state;
    }
    for (const [other, expiry] of this.records) if (expiry <= this.now) this.#remove(other);
    while (this.#heldByOthers(id, client) + bytes > CLIENT_BYTES) {
      const canFree = this.#giveUpSilentSplit(client) || this.#dropRecord(id, bytes, CLIENT_BYTES, client);
      if (!canFree) return 'over-share';
    }
    while (this.#heldByOthers(id) + bytes > BUDGET_BYTES) {
      const canFree = this.#giveUpSilentSplit() || this.#dropRecord(id, bytes, BUDGET_BYTES);
      if (!canFree && !this.#giveUpFailed(id)) return 'over-budget';
    }
    this.#remove(id);
    for (const each of this.index.keys()) if (!this.images.has(each)) this.index.delete(each);
    this.index.set(id, this.now);
    this.admitted.set(id, bytes);
    this.senders.set(id, client);
    this.images.set(id, new ImageModel(tiles, this.now));
    this.counters.lives++;
    this.counters.uploadBytes += UPLOAD_BYTES;
    return 'begun';
  }

  enqueue(id: string, tile: number): Answer {
    const image = this.images.get(id);
    if (!image || image.isOver) return 'over';
    if (image.tiles.has(tile)) return 'known';
    image.tiles.set(tile, { place: { in: 'ready' }, attempts: 0, error: null });
    image.touchedAt = this.now;
    image.settle(this.now);
    this.queue.unshift(`${id}:${tile}`);
    return image.tiles.size === image.tileCount ? 'last' : 'enqueued';
  }

  /** Returns the claimed job and the number of its attempt. */
  claim(token: string, jitter: number): { job: string; attempt: number } | null {
    const leased = this.#placed('leased');
    const again = leased.find(({ place }) => place.token === token);
    if (again) {
      again.place.until = Math.max(again.place.until, this.now + POLICY.leaseMs);
      return { job: again.job, attempt: again.tile.attempts };
    }
    for (const { place } of leased) place.until = Math.min(place.until, this.now + POLICY.leaseMs);
    for (const { place } of this.#placed('delayed')) {
      place.due = Math.min(place.due, this.now + 1.5 * MAX_PAUSE_MS);
    }
    for (const { job, image, tile } of this.#due(leased, (place) => place.until)) {
      image.reclaims++;
      this.counters.tilesReclaimed++;
      this.#retry(job, image, tile, 'its lease expired', jitter);
    }
    for (const { job, tile } of this.#due(this.#placed('delayed'), (place) => place.due)) {
      this.#makeReady(job, tile);
    }
    return this.#handOut(token);
  }

  extend(job: string, token: string): Answer {
    const held = this.#held(job, token);
    if (!held) return 'stale';
    held.place.until = Math.max(held.place.until, this.now + POLICY.leaseMs);
    return 'extended';
  }

  ack(job: string, token: string, core: string): Answer {
    const held = this.#held(job, token);
    if (!held) return this.#refuse(job, token);
    held.tile.place = { in: 'done', by: token, core };
    this.counters.tilesDone++;
    held.image.settle(this.now);
    this.#freeSettled(job, held.image);
    return held.image.state === 'blurred' ? 'last' : 'acked';
  }

  fail(job: string, token: string, reason: string, jitter: number): Answer {
    const held = this.#held(job, token);
    return held ? this.#retry(job, held.image, held.tile, reason, jitter) : 'stale';
  }

  release(job: string, token: string): Answer {
    const held = this.#held(job, token);
    if (!held) return 'stale';
    held.tile.attempts--;
    held.image.attempts--;
    this.counters.tilesReleased++;
    this.#makeReady(job, held.tile);
    return 'released';
  }

  due(firstPauseMs: number, maxSendings: number): Answer {
    for (const image of this.images.values()) {
      if (image.nextEvent !== null) image.nextEvent = Math.min(image.nextEvent, this.now + MAX_PAUSE_MS);
    }
    const [next] = [...this.images]
      .map(([id, image]) => ({ id, image, at: image.nextEvent ?? Infinity }))
      .filter(({ at }) => at <= this.now)
      .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
    if (!next) return null;
    if (next.image.announced >= maxSendings) return this.#giveUp(next.id, next.image);
    next.image.nextEvent = this.now + Math.min(firstPauseMs * 2 ** next.image.announced, MAX_PAUSE_MS);
    next.image.announced++;
    return next.id;
  }

  noteFault(id: string, error: string): void {
    const image = this.images.get(id);
    if (image?.state === 'blurred') image.error = error;
  }

  finish(id: string): Answer {
    const image = this.images.get(id);
    if (image?.state === 'done') return 'again';
    if (image?.state !== 'blurred' && !image?.isGivenUp) return 'over';
    this.#end(id, image, 'done', null);
    this.counters.imagesDone++;
    this.counters.resultBytes += RESULT_BYTES;
    this.#openNotice(id, 'done');
    return 'finished';
  }

  nextNotice(holdMs: number, maxSendings: number): Answer {
    for (const notice of this.notices.values()) notice.due = Math.min(notice.due, this.now + MAX_PAUSE_MS);
    const [next] = [...this.notices]
      .filter(([, { due }]) => due <= this.now)
      .sort(([a, one], [b, other]) => one.due - other.due || (a < b ? -1 : 1));
    if (!next) return null;
    const [name, notice] = next;
    if (notice.sent >= maxSendings) {
      this.closeNotice(name);
      return `given up ${name}`;
    }
    notice.due = this.now + holdMs;
    notice.sent++;
    return name;
  }

  retryNotice(name: string, sendings: number, firstPauseMs: number): Answer {
    const notice = this.notices.get(name);
    if (!notice || notice.sent === 0 || notice.sent !== sendings) return 'over';
    notice.due = this.now + Math.min(firstPauseMs * 2 ** (sendings - 1), MAX_PAUSE_MS);
    return 'retried';
  }

  closeNotice(name: string): void {
    this.notices.delete(name);
    this.admitted.delete(name);
  }

  #openNotice(id: string, state: 'done' | 'failed'): void {
    const name = `${id}:${this.now}`;
    this.notices.set(name, { due: this.now, sent: 0, state });
    this.admitted.set(name, RECORD_BYTES);
  }

  cancel(id: string): Answer {
    const image = this.images.get(id);
    if (!image) return null;
    if (image.state === 'done' || image.state === 'cancelled') return image.state;
    this.#end(id, image, 'cancelled', image.error);
    this.counters.imagesCancelled++;
    return 'cancelled';
  }

  drop(id: string): Answer {
    const image = this.images.get(id);
    if (image?.state !== 'failed' || image.isOver) return image?.state ?? null;
    this.#end(id, image, 'failed', image.error);
    return 'dropped';
  }

  forget(id: string): void {
    if (!this.images.has(id)) return;
    this.#remove(id);
    this.counters.imagesForgotten++;
  }

  requeue(letter: string): Answer {
    this.dead.delete(letter);
    const image = this.images.get(letter);
    if (image?.isGivenUp) return this.#announceAgain(image);
    return letter.includes(':') ? this.#requeueTile(letter) : 'gone';
  }

  #announceAgain(image: ImageModel): Answer {
    const { blurredAt } = image;
    image.settle(this.now);
    image.blurredAt = blurredAt;
    image.announced = 0;
    image.error = null;
    image.endedAt = null;
    return 'requeued';
  }

  #giveUp(id: string, image: ImageModel): Answer {
    const reason = image.error ?? 'none of them closed the image';
    image.state = 'failed';
    image.error = `given up after ${image.announced} events: ${reason}`;
    image.endedAt = this.now;
    image.nextEvent = null;
    this.dead.set(id, this.now);
    this.senders.delete(id);
    this.counters.imagesFailed++;
    this.counters.eventsGivenUp++;
    this.#openNotice(id, 'failed');
    return `given up ${id}`;
  }

  #requeueTile(job: string): Answer {
    const { image, tile } = this.#find(job);
    if (!image || tile?.place.in !== 'dead') return 'gone';
    tile.attempts = 0;
    tile.error = null;
    this.#makeReady(job, tile);
    image.settle(this.now);
    if (image.state !== 'failed') {
      image.error = null;
      image.endedAt = null;
    }
    return 'requeued';
  }

  /** The image's time is over. If only its record was left, the index notices later. */
  expire(id: string): void {
    if (!this.images.get(id)?.isOver) this.#remove(id);
    else this.records.set(id, this.now);
    this.images.delete(id);
  }

  /** What the images beside this one hold; those of one client if one is given. */
  #heldByOthers(id: string, client?: string): number {
    const others = [...this.admitted].filter(
      ([each]) => each !== id && (client === undefined || this.senders.get(each) === client),
    );
    return others.reduce((sum, [, bytes]) => sum + bytes, 0);
  }

  /** The image that has been silent the longest, if that is long enough; of one client if one is given. */
  #giveUpSilentSplit(client?: string): boolean {
    const splits = [...this.images].filter(([, image]) => image.isIncomplete);
    for (const [, image] of splits) image.touchedAt = Math.min(image.touchedAt, this.now);
    const [silent] = splits
      .filter(([, image]) => image.touchedAt + ABANDONED_MS < this.now)
      .filter(([each]) => client === undefined || this.senders.get(each) === client)
      .sort(([a, one], [b, other]) => one.touchedAt - other.touchedAt || (a < b ? -1 : 1));
    if (!silent) return false;
    const [id, image] = silent;
    this.#end(id, image, 'cancelled', 'its split died');
    this.counters.imagesCancelled++;
    return true;
  }

  /** The failed image that has been kept the longest, other than `id`. */
  #giveUpFailed(id: string): boolean {
    const [failed] = [...this.images]
      .filter(([each, image]) => each !== id && image.state === 'failed' && image.isSettled && !image.isOver)
      .sort(([a, one], [b, other]) => one.settledAt - other.settledAt || (a < b ? -1 : 1));
    if (!failed) return false;
    const [other, image] = failed;
    this.#end(other, image, 'failed', image.error, image.endedAt);
    return true;
  }

  /**
   * Drops the oldest record, if the records and results that can be dropped make room for `id`; of one client
   * if one is given.
   */
  #dropRecord(id: string, bytes: number, budgetBytes: number, client?: string): boolean {
    const records = [...this.records]
      .filter(([each]) => client === undefined || this.senders.get(each) === client)
      .sort(([a, one], [b, other]) => one - other || (a < b ? -1 : 1));
    const spare = (count: number) => {
      const held = count * RECORD_BYTES;
      return held + bytes > budgetBytes ? held : Math.max(0, held - budgetBytes / 8);
    };
    const spareOfOthers = spare(records.filter(([each]) => each !== id).length);
    const wouldFit = this.#heldByOthers(id, client) - spareOfOthers + bytes <= budgetBytes;
    if (!wouldFit || spare(records.length) === 0) return false;
    this.#remove(records[0][0]);
    return true;
  }

  /** Only the record is left. */
  #end(
    id: string,
    image: ImageModel,
    state: 'done' | 'failed' | 'cancelled',
    error: string | null,
    endedAt: number | null = this.now,
  ): void {
    this.#removeTraces(id);
    image.end(state, error, endedAt);
    this.admitted.set(id, RECORD_BYTES);
    this.records.set(id, this.now + POLICY.recordTtlS * 1000);
  }

  /** Nothing is left. */
  #remove(id: string): void {
    this.#removeTraces(id);
    for (const map of [this.images, this.index, this.admitted, this.senders, this.records]) map.delete(id);
  }

  #removeTraces(id: string): void {
    const expected = this.images.get(id)?.tileCount ?? 0;
    for (let tile = 0; tile < expected; tile++) this.dead.delete(`${id}:${tile}`);
    this.dead.delete(id);
    this.queue = this.queue.filter((job) => !job.startsWith(id));
  }

  #handOut(token: string): { job: string; attempt: number } | null {
    for (let job = this.queue.pop(); job !== undefined; job = this.queue.pop()) {
      const { image, tile } = this.#find(job);
      if (!image || !tile) throw new Error(`${job} waits and is no tile`);
      tile.place = { in: 'leased', token, until: this.now + POLICY.leaseMs };
      tile.attempts++;
      image.attempts++;
      return { job, attempt: tile.attempts };
    }
    return null;
  }

  /** Answers an ack whose claim does not hold the tile. */
  #refuse(job: string, token: string): Answer {
    const { image, tile } = this.#find(job);
    if (tile?.place.in === 'done' && tile.place.by === token) return 'again';
    if (image?.state === 'cancelled') return 'cancelled';
    if (image && image.fencedBy !== token) {
      image.fenced++;
      this.counters.tilesFenced++;
      image.fencedBy = token;
    }
    return 'stale';
  }

  #retry(job: string, image: ImageModel, tile: TileModel, reason: string, jitter: number): Answer {
    const hadFailed = image.state === 'failed';
    const answer = image.retry(tileOf(job), tile, reason, jitter, this.now);
    if (answer === 'dead') {
      this.dead.set(job, this.now);
      this.counters.tilesDead++;
      if (!hadFailed) {
        this.counters.imagesFailed++;
        this.#openNotice(job.split(':')[0], 'failed');
      }
    } else this.counters.tilesRetried++;
    this.#freeSettled(job, image);
    return answer;
  }

  /** A failed image with nothing in progress counts for no client, because any other image may take its room. */
  #freeSettled(job: string, image: ImageModel): void {
    if (image.isSettled) this.senders.delete(job.split(':')[0]);
  }

  #makeReady(job: string, tile: TileModel): void {
    tile.place = { in: 'ready' };
    this.queue.push(job);
  }

  #held(job: string, token: string) {
    return this.#placed('leased').find((each) => each.job === job && each.place.token === token);
  }

  #find(job: string) {
    const image = this.images.get(job.split(':')[0]);
    return { image, tile: image?.tiles.get(tileOf(job)) };
  }

  /** All tiles in one state. */
  #placed<P extends Place['in']>(kind: P) {
    return [...this.images].flatMap(([id, image]) =>
      [...image.tiles].flatMap(([number, tile]) => {
        if (tile.place.in !== kind) return [];
        return [{ job: `${id}:${number}`, image, tile, place: tile.place as Extract<Place, { in: P }> }];
      }),
    );
  }

  /** Those that are due, the oldest first. */
  #due<T extends { job: string; place: Place }>(placed: T[], timeOf: (place: T['place']) => number): T[] {
    return placed
      .filter(({ place }) => timeOf(place) <= this.now)
      .sort((a, b) => timeOf(a.place) - timeOf(b.place) || (a.job < b.job ? -1 : 1));
  }
}

function tileOf(job: string): number {
  return Number(job.split(':')[1]);
}
