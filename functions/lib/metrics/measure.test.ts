import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import {
  awaitMeter,
  countRequest,
  measureWith,
  time,
  timed,
  type Meter,
  type RequestLabels,
} from './measure.ts';

class MeterDouble implements Meter {
  readonly times: [what: string, seconds: number][] = [];
  readonly requests: RequestLabels[] = [];

  time(what: string, seconds: number): void {
    this.times.push([what, seconds]);
  }

  request(labels: RequestLabels): void {
    this.requests.push(labels);
  }
}

/** Answers a request with `status`; without one, its caller closes the connection before. */
function answer(method: string, status?: number): void {
  const res = Object.assign(new EventEmitter(), {
    statusCode: status ?? 200,
    writableFinished: status !== undefined,
  });
  countRequest({ method } as IncomingMessage, res as unknown as ServerResponse, '/images');
  res.emit('close');
}

afterEach(() => measureWith(null));

describe('what is measured', () => {
  it('reaches the meter', async () => {
    const meter = new MeterDouble();
    measureWith(meter);
    time('tile', 0.25);
    expect(await timed('split', async () => 'done')).toBe('done');
    answer('GET', 404);
    expect(meter.times).toEqual([
      ['tile', 0.25],
      ['split', expect.closeTo(0, 0)],
    ]);
    expect(meter.requests).toEqual([{ method: 'GET', route: '/images', status: '404' }]);
  });

  it('is kept until the meter is there, and reaches it once', () => {
    awaitMeter();
    time('tile', 1);
    answer('POST', 202);
    const meter = new MeterDouble();
    measureWith(meter);
    measureWith(meter);
    expect(meter.times).toEqual([['tile', 1]]);
    expect(meter.requests).toHaveLength(1);
  });

  it('is dropped while metrics are off, and when the meter cannot be loaded', () => {
    time('tile', 1);
    awaitMeter();
    time('tile', 2);
    measureWith(null);
    time('tile', 3);
    const meter = new MeterDouble();
    measureWith(meter);
    expect(meter.times).toEqual([]);
  });

  it('does not include work that failed', async () => {
    const meter = new MeterDouble();
    measureWith(meter);
    await expect(timed('split', async () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(meter.times).toEqual([]);
  });
});

describe('a request', () => {
  it('that its caller aborts is counted as that', () => {
    const meter = new MeterDouble();
    measureWith(meter);
    answer('GET');
    expect(meter.requests).toEqual([{ method: 'GET', route: '/images', status: 'aborted' }]);
  });

  it('with a method that no route has makes no time series of its own', () => {
    const meter = new MeterDouble();
    measureWith(meter);
    answer('PROPFIND', 405);
    expect(meter.requests).toEqual([{ method: 'other', route: '/images', status: '405' }]);
  });
});
