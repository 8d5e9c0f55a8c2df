// Serves split until it is asked to stop.
import { keepCompiledCode, useCompiledCode } from '../lib/service/compile-cache.ts';
import '../lib/service/heap-limits.ts';

useCompiledCode(import.meta.dirname);
const { bodyLimit, config, faults, lifecycle, log, metrics } = await import('./index.ts');
const { serve } = await import('../lib/service/serve.ts');
const { startMetrics } = await import('../lib/metrics/start.ts');
await serve({ target: 'split', ...config, bodyLimit, lifecycle, log, faults });
await startMetrics(metrics);
keepCompiledCode();
