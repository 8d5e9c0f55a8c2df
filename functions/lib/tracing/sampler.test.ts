import { ROOT_CONTEXT, SpanKind, trace, TraceFlags } from '@opentelemetry/api';
import { SamplingDecision } from '@opentelemetry/sdk-trace';
import { expect, it } from 'vitest';
import { samplerOf } from './sampler.ts';

/** Half of all trace ids are below this one, as the SDK compares them. */
const [low, high] = ['0'.repeat(24) + '00000001', '0'.repeat(24) + 'fffffffe'];

function samples(env: Record<string, string>, traceId: string, parentFlags?: TraceFlags): boolean {
  const parent = { traceId, spanId: 'b7ad6b7169203331', traceFlags: parentFlags ?? 0, isRemote: true };
  const context = parentFlags === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
  const sampler = samplerOf(env, (reason) => {
    throw new Error(reason);
  });
  const { decision } = sampler.shouldSample(context, traceId, 'a', SpanKind.SERVER, {}, []);
  return decision === SamplingDecision.RECORD_AND_SAMPLED;
}

const { SAMPLED, NONE } = TraceFlags;

it.each([
  [{}, high, undefined, true],
  [{}, high, NONE, false],
  [{ OTEL_TRACES_SAMPLER: 'always_on' }, high, NONE, true],
  [{ OTEL_TRACES_SAMPLER: 'always_off' }, high, SAMPLED, false],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, high, undefined, false],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, high, SAMPLED, true],
  [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' }, low, undefined, true],
  [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' }, high, SAMPLED, false],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' }, high, SAMPLED, true],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, low, undefined, false],
] as [Record<string, string>, string, TraceFlags | undefined, boolean][])(
  '%o decides about trace %s, whose parent has the flags %s: %s',
  (env, traceId, parent, isSampled) => expect(samples(env, traceId, parent)).toBe(isSampled),
);

it.each([
  [{ OTEL_TRACES_SAMPLER: 'xray' }, 'OTEL_TRACES_SAMPLER: "xray" is not known'],
  [
    { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: 'half' },
    'OTEL_TRACES_SAMPLER_ARG: "half" is not a number from 0 to 1',
  ],
])('says that it cannot use %o', (env, warning) => {
  const warnings: string[] = [];
  samplerOf(env, (reason) => warnings.push(reason));
  expect(warnings).toEqual([warning]);
});
