import { describe, expect, it } from 'vitest';
import { traceAttributes } from './spans.ts';
import { formatTrace, parseTrace } from './trace-text.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

function again(text: string): string {
  const context = parseTrace(text);
  return context ? formatTrace(context) : 'none';
}

describe('the trace in an image’s record', () => {
  it.each([traceparent, `${traceparent} vendor=x,other=y`, traceparent.replace(/01$/, '00')])(
    'is read as it was written: %s',
    (text) => expect(again(text)).toBe(text),
  );

  it.each(['', 'nonsense', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, `ff${traceparent.slice(2)}`])(
    'is none if it is %j',
    (text) => expect(again(text)).toBe('none'),
  );

  it('keeps the first entries of a tracestate that is too long', () => {
    const entry = (nth: number) => `v${nth}=${'x'.repeat(46)}`;
    expect(again(`${traceparent} ${[1, 2, 3].map(entry).join()}`)).toBe(
      `${traceparent} ${[1, 2].map(entry).join()}`,
    );
  });

  it('becomes the attributes of an event', () => {
    expect(traceAttributes('')).toEqual({});
    expect(traceAttributes(traceparent)).toEqual({ traceparent });
    expect(traceAttributes(`${traceparent} vendor=x`)).toEqual({ traceparent, tracestate: 'vendor=x' });
  });
});
