// The names of the queue's keys. The Lua scripts derive the same names from the prefix in shared.lua, and
// KEDA's triggers contain them. Tests check that all three agree.

/** Returns the keys that all images share, for a deployment's key prefix. */
export function queueKeys(prefix: string) {
  return {
    /** LIST of entries `<job>:<life>`: tiles that can be claimed. KEDA's first trigger reads its length. */
    queue: `${prefix}:job:queue`,
    /** LIST: the newer part of `queue` during tidying. */
    tidied: `${prefix}:job:tidied`,
    /** ZSET job → lease expiry, ms. */
    leases: `${prefix}:job:leases`,
    /** HASH claim token → job, until the lease ends. A claim that is sent again finds its job here. */
    claims: `${prefix}:job:claims`,
    /** ZSET job → when it may be claimed again, ms. */
    delayed: `${prefix}:job:delayed`,
    /** ZSET job, or imageId whose event was given up → when, ms. */
    dead: `${prefix}:job:dead`,
    /** ZSET imageId → when its event is sent next, ms. */
    outbox: `${prefix}:outbox`,
    /** ZSET `<imageId>:<when it ended, ms>` → when its done or failed event is sent next, ms. */
    notices: `${prefix}:notices`,
    /** HASH imageId → bytes of Redis memory it may hold. */
    admitted: `${prefix}:admitted`,
    /** HASH imageId → the client that sent it, as long as it counts for that client's share of the budget. */
    senders: `${prefix}:senders`,
    /** HASH client → bytes of Redis memory that its images may hold together. */
    clients: `${prefix}:clients`,
    /** HASH client → bytes of its images' results. */
    clientResults: `${prefix}:client-results`,
    /**
     * HASH of running totals: `admitted`, bytes of all images in `admitted` together; `lives`, how many
     * images have been started; `stale`, entries of `queue` that have become stale since the last tidying;
     * `results`, bytes of all results; `pace…`, how fast images are done (shared-pace.lua). `tidying`: the
     * list is being tidied. The others only grow, and are kept when pods stop: see measures.ts.
     */
    totals: `${prefix}:totals`,
    /** ZSET imageId → when it was started, ms. Each owner of images has another one: `<prefix>:images:<owner>`. */
    images: `${prefix}:images`,
    /** ZSET imageId → last sign of life of its split, ms, until all tiles are enqueued. */
    splits: `${prefix}:splits`,
    /** ZSET imageId → when to free what it holds: 0 if its life has ended, ms for a failed image that is kept. */
    sweeps: `${prefix}:sweeps`,
    /** HASH name → imageId of uploads that are kept. */
    uploads: `${prefix}:uploads`,
    /** ZSET imageId → when its result in Redis expires, ms. */
    results: `${prefix}:results`,
    /**
     * ZSET imageId → when the record of an ended image expires, ms. Each client has another one, and another one of
     * results: `<prefix>:records:<client>`, `<prefix>:results:<client>`.
     */
    records: `${prefix}:records`,
    /** ZSET worker → its last sign of life, ms. */
    workers: `${prefix}:workers`,
    /** HASH worker → `<started, ms> <tiles in flight> <tiles done>`. */
    workerStates: `${prefix}:worker-states`,
  };
}

/** Returns the keys of one image. */
export function imageKeys(prefix: string, imageId: string) {
  const of = (part: string) => `${prefix}:${imageId}:${part}`;
  return {
    /** HASH, the status record, and the number of the image's life until it ends. */
    meta: of('meta'),
    /** HASH tile → ready, leased, delayed, done or dead. */
    tiles: of('tiles'),
    /** HASH tile → how often it was claimed. */
    attempts: of('attempts'),
    /** HASH tile → token of the claim that holds it. */
    tokens: of('tokens'),
    /** HASH tile → token of the claim that has acked it. */
    acks: of('acks'),
    /** SET of tiles done. */
    done: of('done'),
    /**
     * STRING, the PNG chunks that the result carries besides pixels: colour profile, density. Absent if there
     * are none.
     */
    ancillary: of('ancillary'),
    /** HASHes, blobs (redis/blob.ts), with STORE=redis: its upload while it is in progress, and its result. */
    upload: of('upload'),
    result: of('result'),
    /** HASH tile → why it is a dead letter. */
    dead: of('dead'),
    /** HASH: `left`, tiles of an ended life that still have to be freed; `kept`, bytes it may hold afterwards. */
    sweep: of('sweep'),
    /** HASHes, `tiles` and `tokens` at the end of the life. */
    endedTiles: of('ended-tiles'),
    endedTokens: of('ended-tokens'),
    /** HASH, the record of the image when it ended, until the event about that has been accepted. */
    notice: (endedAtMs: number) => of(`notice:${endedAtMs}`),
    /** STRING, the tile's source pixels: its core and halo. */
    src: (tile: number) => of(`src:${tile}`),
    /** STRING, the tile's blurred core. */
    out: (tile: number) => of(`out:${tile}`),
    /** STRING, bytes inside the transaction that stores them: a result by its token, or `ancillary`. */
    staged: (name: string) => of(`new:${name}`),
  };
}
