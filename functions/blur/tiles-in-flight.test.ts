import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLog } from '../lib/log.ts';
import type { Claim, TileQueue } from '../lib/queue/tile-queue.ts';
import { FaultLog } from '../lib/redis/fault-log.ts';
import { traceWith, type Attributes, type Span, type Tracer } from '../lib/tracing/spans.ts';
import { TilesInFlight } from './tiles-in-flight.ts';

const claim: Claim = {
  job: { imageId: 'a'.repeat(24), tile: 0 },
  token: '0',
  attempt: 1,
  source: null,
  width: 1,
  height: 1,
  tileSizePx: 1,
  recipe: '1',
  trace: '',
};
const leaseMs = 60_000;

let queue: { [Method in keyof TileQueue]: ReturnType<typeof vi.fn<TileQueue[Method]>> };
let inFlight: TilesInFlight;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  queue = {
    claim: vi.fn(async () => null),
    wait: vi.fn(async () => {}),
    extend: vi.fn(async () => 'extended'),
    ack: vi.fn(async () => 'acked'),
    fail: vi.fn(async () => 'delayed'),
    release: vi.fn(async () => 'released'),
    stopClaiming: vi.fn(async () => {}),
    close: vi.fn(async () => {}),
  };
  const log = createLog('test', 'silent');
  inFlight = new TilesInFlight({ queue, leaseMs, log, faults: new FaultLog(log) });
});

afterEach(() => {
  vi.useRealTimers();
});

it('extends a lease twice before it expires, so that one extension may fail', async () => {
  await inFlight.take(claim);
  vi.advanceTimersByTime(leaseMs - 1);
  expect(queue.extend.mock.calls).toEqual([[claim], [claim]]);
});

it('does not extend the lease of a tile that is settled', async () => {
  await inFlight.take(claim);
  expect(await inFlight.settle(claim, new Uint8Array(1))).toBe('acked');
  vi.advanceTimersByTime(10 * leaseMs);
  expect(queue.extend).not.toHaveBeenCalled();
});

it('does not try again to ack a tile for which Redis has no memory', async () => {
  queue.ack.mockRejectedValueOnce(new Error("OOM command not allowed when used memory > 'maxmemory'."));
  await inFlight.take(claim);
  expect(await inFlight.settle(claim, new Uint8Array(1))).toBeNull();
  expect(queue.ack).toHaveBeenCalledTimes(1);
});

describe('the span of an attempt', () => {
  const ended: { outcome: unknown; fault: unknown }[] = [];

  /** A span that records its first end. */
  function recorded(): Span {
    const attributes: Attributes = {};
    let isOver = false;
    return {
      trace: '',
      set: (more) => Object.assign(attributes, more),
      run: (work) => work(),
      end(fault) {
        if (!isOver) ended.push({ outcome: attributes['tessera.outcome'], fault });
        isOver = true;
      },
    };
  }

  const traced = { ...claim, trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };

  beforeEach(() => {
    ended.length = 0;
    traceWith({ continueTrace: recorded } as unknown as Tracer);
  });
  afterEach(() => traceWith(null));

  it('ends with what the queue says to its ack', async () => {
    queue.ack.mockResolvedValueOnce('stale');
    await inFlight.take(traced);
    await inFlight.settle(traced, new Uint8Array(1));
    expect(ended).toEqual([{ outcome: 'stale', fault: undefined }]);
  });

  it('ends with its error if it failed', async () => {
    const error = new Error('it broke');
    await inFlight.take(traced);
    await inFlight.settle(traced, error);
    expect(ended).toEqual([{ outcome: 'delayed', fault: error }]);
  });

  it('ends when its tile is returned to the queue, and only then', async () => {
    await inFlight.take(traced);
    await inFlight.releaseAll();
    queue.ack.mockResolvedValueOnce('stale');
    await inFlight.settle(traced, new Uint8Array(1));
    expect(ended).toEqual([{ outcome: 'released', fault: undefined }]);
  });

  it('does not exist for an image that is not traced', async () => {
    await inFlight.take(claim);
    await inFlight.settle(claim, new Uint8Array(1));
    expect(ended).toEqual([]);
  });
});
