// Switches tracing on when a function starts, and sends its last spans when it stops.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../log.ts';
import { isTracingOn } from './settings.ts';
import { endTracing, traceWith } from './spans.ts';

const NOT_TRACED = 'Tracing is not as it is set';

/** Switches tracing on for the function called `component`, if the environment wants it. A fault is logged and changes nothing else. */
export async function startTracing(component: string, log: Log): Promise<void> {
  if (!isTracingOn(process.env, (reason) => log.warn(NOT_TRACED, { reason }))) return;
  try {
    const { OpenTelemetry } = await import('./open-telemetry.ts'); // Loaded only when it is needed.
    traceWith(new OpenTelemetry(component, log, process.env));
  } catch (error) {
    log.warn(NOT_TRACED, { error });
  }
}

/** Sends the last spans. After `limitMs` it gives up and logs that. Never throws. */
export async function stopTracing(limitMs: number, log: Log): Promise<void> {
  const limit = new AbortController();
  const tooLong = sleep(limitMs, 'too long', { signal: limit.signal }).catch(() => {});
  const outcome = await Promise.race([endTracing(), tooLong]);
  limit.abort();
  if (outcome === 'too long') log.warn('Spans are lost: they could not be sent before the stop', { limitMs });
}
