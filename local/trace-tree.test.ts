import { expect, it } from 'vitest';
import type { ReceivedSpan } from './otlp-receiver.ts';
import { traceTree } from './trace-tree.ts';

function span(
  spanId: string,
  parentSpanId: string,
  startMs: number,
  more: Partial<ReceivedSpan> = {},
): ReceivedSpan {
  return {
    traceId: 'trace',
    spanId,
    parentSpanId,
    name: spanId,
    kind: 1,
    service: 'tessera-blur',
    pid: 7,
    startMs,
    endMs: startMs + 2.5,
    attributes: {},
    links: [],
    isError: false,
    ...more,
  };
}

it('shows children below their parent, in the order they started, and a span without its parent as a root', () => {
  const tile = { 'tessera.tile': 0, 'tessera.attempt': 2, 'tessera.outcome': 'acked' };
  const failed = { 'http.response.status_code': 503, 'error.type': '503' };
  expect(
    traceTree([
      span('later', 'root', 1030),
      span('tile', 'first', 1020, { attributes: tile }),
      span('first', 'root', 1010),
      span('root', '', 1000, { service: 'tessera-split', attributes: failed, isError: true }),
      span('lost', 'killed', 1005),
    ]),
  ).toEqual([
    '      0 ms      2.5 ms  split 7          root  503  failed: 503',
    '     10 ms      2.5 ms  blur 7             first',
    '     20 ms      2.5 ms  blur 7               tile  tile 0  attempt 2  outcome acked',
    '     30 ms      2.5 ms  blur 7             later',
    '      5 ms      2.5 ms  blur 7           lost',
  ]);
});
