// Makes the ids of spans: random ones, except for a span that takes the place of one that was lost.
import { RandomIdGenerator, type IdGenerator } from '@opentelemetry/sdk-trace';

export class ChosenIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #chosen: { traceId: string; spanId: string } | null = null;

  /** Runs `start`, which starts one span, and gives that span these ids. */
  with<T>(ids: { traceId: string; spanId: string }, start: () => T): T {
    this.#chosen = ids;
    try {
      return start();
    } finally {
      this.#chosen = null;
    }
  }

  generateTraceId = (): string => this.#chosen?.traceId ?? this.#random.generateTraceId();

  generateSpanId = (): string => this.#chosen?.spanId ?? this.#random.generateSpanId();
}
