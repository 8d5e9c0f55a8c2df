// The functions report here what they measure. Unless start.ts switches metrics on, prom-client is not loaded and these functions
// do nothing.
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What is timed. definitions.ts says what each one means. */
export type Timed = 'split' | 'tile' | 'convolve' | 'assemble' | 'image';

export interface RequestLabels {
  method: string;
  route: string;
  status: string;
}

/** Who receives what is measured. */
export interface Meter {
  time(what: Timed, seconds: number): void;
  request(labels: RequestLabels): void;
}

/** The methods of our routes. Callers may send others, which must not become many time series. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS']);

type Report = (meter: Meter) => void;

let meter: Meter | null = null;
/** What was measured before the meter was loaded; null if no meter will be loaded. */
let early: Report[] | null = null;

/** Keeps what is measured from now on for the meter that is being loaded. */
export function awaitMeter(): void {
  early = [];
}

/** Reports to `given` what was kept for it, and everything from now on. With null, nothing is measured any more. */
export function measureWith(given: Meter | null): void {
  meter = given;
  for (const report of early ?? []) if (meter) report(meter);
  early = null;
}

/** Reports how long something took. */
export function time(what: Timed, seconds: number): void {
  tell((to) => to.time(what, seconds));
}

/** Runs `work`, and reports how long it took if it succeeds. */
export async function timed<T>(what: Timed, work: () => Promise<T>): Promise<T> {
  const secondsSince = stopwatch();
  const result = await work();
  time(what, secondsSince());
  return result;
}

/** Returns a function that returns the seconds since now. */
export function stopwatch(): () => number {
  const startedAt = performance.now();
  return () => (performance.now() - startedAt) / 1000;
}

/** Counts a request when its response has ended. `route` is the path with `{id}` in the place of an image's id. */
export function countRequest(req: IncomingMessage, res: ServerResponse, route: string): void {
  if (!meter && !early) return;
  const { method = '' } = req;
  res.once('close', () => {
    const status = res.writableFinished ? String(res.statusCode) : 'aborted';
    tell((to) => to.request({ method: METHODS.has(method) ? method : 'other', route, status }));
  });
}

function tell(report: Report): void {
  if (meter) report(meter);
  else early?.push(report);
}
