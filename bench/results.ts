// The shape of bench/results.json.
import type { BatchResults } from './batch.ts';
import type { CodecResults } from './codec.ts';
import type { ColdResults } from './cold.ts';
import type { CostsResults } from './costs.ts';
import type { EndToEndResults } from './e2e.ts';
import type { FromZeroResults } from './from-zero.ts';
import type { KernelResults } from './kernel.ts';
import type { MemoryResults } from './memory.ts';
import type { ScaleResults } from './scale.ts';
import type { ScriptsResults } from './scripts.ts';

/** What was measured, each section when it ran last. */
export interface Results {
  machine?: { date: string; cpu: string; cores: number; node: string };
  kernel?: KernelResults;
  codec?: CodecResults;
  e2e?: EndToEndResults;
  batch?: BatchResults;
  fromZero?: FromZeroResults;
  scale?: ScaleResults;
  memory?: MemoryResults;
  cold?: ColdResults;
  scripts?: ScriptsResults;
  costs?: CostsResults;
}
