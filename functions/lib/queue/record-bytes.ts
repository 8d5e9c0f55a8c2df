/**
 * The most that Redis takes for the record of an image whose name has up to 255 bytes: its own key, and its entries in the
 * indexes and hashes that all images share. It counts from when the image is begun until the record is gone.
 * The scripts have the same number (shared-memory.lua).
 *
 * Measured on Redis 7.0 as what 3000 ended images add to `used_memory_dataset`, in bytes for each:
 * 1110 with a name of 5 bytes, 1750 with 60, 2260 with 255, and 2570 with 255 and an owner of 64.
 * Notes of tiles that were claimed again (claim.lua) add up to 300, and the context of a trace (traceparent, tracestate) to 500.
 * test/queue/record-bytes.test.ts measures the last of these again, with the notes.
 */
export const RECORD_BYTES = 3584;
