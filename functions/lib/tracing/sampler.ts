// OTEL_TRACES_SAMPLER: which traces are sent. By default all traces that start here, and those others that their sender samples.
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace';

type Environment = Record<string, string | undefined>;

const PARENT_BASED = 'parentbased_';

/** Returns the sampler that the environment asks for. Calls `warn` for values that it cannot use, and uses the default. */
export function samplerOf(env: Environment, warn: (reason: string) => void): Sampler {
  const name = env.OTEL_TRACES_SAMPLER || `${PARENT_BASED}always_on`;
  const isParentBased = name.startsWith(PARENT_BASED);
  const root = rootSampler(isParentBased ? name.slice(PARENT_BASED.length) : name, env, warn);
  if (root) return isParentBased ? new ParentBasedSampler({ root }) : root;
  warn(`OTEL_TRACES_SAMPLER: ${JSON.stringify(name)} is not known`);
  return new ParentBasedSampler({ root: new AlwaysOnSampler() });
}

function rootSampler(name: string, env: Environment, warn: (reason: string) => void): Sampler | null {
  if (name === 'always_on') return new AlwaysOnSampler();
  if (name === 'always_off') return new AlwaysOffSampler();
  return name === 'traceidratio' ? new TraceIdRatioBasedSampler(ratioOf(env, warn)) : null;
}

function ratioOf({ OTEL_TRACES_SAMPLER_ARG: text }: Environment, warn: (reason: string) => void): number {
  const ratio = Number(text || 1);
  if (ratio >= 0 && ratio <= 1) return ratio;
  warn(`OTEL_TRACES_SAMPLER_ARG: ${JSON.stringify(text)} is not a number from 0 to 1`);
  return 1;
}
