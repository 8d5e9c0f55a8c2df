// What of it has the same types today.
export * from '../../../functions/lib/queue/lease-queue.ts';
export * from '../../../functions/lib/queue/image-ledger.ts';
export * from '../../../functions/lib/events.ts';
