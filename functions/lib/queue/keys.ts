// The names of the queue's keys. The Lua scripts derive the same names from the prefix in shared.lua, and KEDA's
// triggers spell them out; tests hold the three equal.

/** The keys all images share, for a deployment's key prefix. */
export function queueKeys(prefix: string) {
  return {
    /** LIST of entries `<job>:<life>`: tiles ready to claim. What KEDA's first trigger reads. */
    queue: `${prefix}:job:queue`,
    /** LIST, the newer part of `queue` while that is being tidied. */
    tidied: `${prefix}:job:tidied`,
    /** ZSET job → lease expiry, ms. */
    leases: `${prefix}:job:leases`,
    /** HASH claim token → job, as long as the lease lasts: a claim sent again finds its job here. */
    claims: `${prefix}:job:claims`,
    /** ZSET job → when it may be claimed again, ms. */
    delayed: `${prefix}:job:delayed`,
    /** ZSET job, or imageId whose event was given up → when, ms. */
    dead: `${prefix}:job:dead`,
    /** ZSET imageId → when its event is sent next, ms. */
    outbox: `${prefix}:outbox`,
    /** HASH imageId → bytes of Redis memory it may hold. */
    admitted: `${prefix}:admitted`,
    /** HASH imageId → the client that sent it, as long as it counts against that client's share of the budget. */
    senders: `${prefix}:senders`,
    /** HASH client → bytes of Redis memory that its images may hold together. */
    clients: `${prefix}:clients`,
    /**
     * HASH of running sums: `admitted`, the bytes of all images in `admitted` together; `lives`, how many images were
     * begun; `stale`, entries of `queue` that went stale since it was tidied; `results`, the bytes of all results;
     * `pace…`, how fast images are done (shared-pace.lua). `tidying`: the list is being tidied.
     */
    totals: `${prefix}:totals`,
    /** ZSET imageId → when it was begun, ms. Beside it lies one for each owner of images: `<prefix>:images:<owner>`. */
    images: `${prefix}:images`,
    /** ZSET imageId → last sign of life of its split, ms, as long as tiles are missing. */
    splits: `${prefix}:splits`,
    /** ZSET imageId → when what it holds is freed: 0 once its life has ended, ms for a failed image that is kept. */
    sweeps: `${prefix}:sweeps`,
    /** HASH name → imageId, of uploads that are kept. */
    uploads: `${prefix}:uploads`,
    /** ZSET imageId → when its result expires, ms; of results that Redis keeps. */
    results: `${prefix}:results`,
  };
}

/** The keys of one image. */
export function imageKeys(prefix: string, imageId: string) {
  const of = (part: string) => `${prefix}:${imageId}:${part}`;
  return {
    /** HASH, the status record, and the number of the image's life while that lasts. */
    meta: of('meta'),
    /** HASH tile → ready, leased, delayed, done or dead. */
    tiles: of('tiles'),
    /** HASH tile → times it was claimed. */
    attempts: of('attempts'),
    /** HASH tile → token of the claim that holds it. */
    tokens: of('tokens'),
    /** HASH tile → token of the claim whose ack was taken. */
    acks: of('acks'),
    /** SET of tiles done. */
    done: of('done'),
    /** STRING, the PNG chunks its result carries besides pixels: colour profile, density. Absent when it carries none. */
    ancillary: of('ancillary'),
    /** HASHes, blobs (redis/blob.ts): its upload while it is under way, and its result, with STORE=redis. */
    upload: of('upload'),
    result: of('result'),
    /** HASH tile → why it was given up. */
    dead: of('dead'),
    /** HASH: `left`, tiles of an ended life still to be freed; `kept`, bytes it may hold afterwards. */
    sweep: of('sweep'),
    /** HASHes, what `tiles` and `tokens` were when the life ended. */
    endedTiles: of('ended-tiles'),
    endedTokens: of('ended-tokens'),
    /** STRING, the tile's source pixels: its core and halo. */
    src: (tile: number) => of(`src:${tile}`),
    /** STRING, the tile's blurred core. */
    out: (tile: number) => of(`out:${tile}`),
    /** STRING, bytes on their way in, inside the transaction that takes them: a result by its token, or `ancillary`. */
    staged: (name: string) => of(`new:${name}`),
  };
}
