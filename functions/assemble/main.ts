// Serves assemble until it is asked to stop.
import { keepCompiledCode, useCompiledCode } from '../lib/service/compile-cache.ts';
import '../lib/service/heap-limits.ts';

useCompiledCode(import.meta.dirname);
const { bodyLimit, config, faults, lifecycle, log, metrics, stores } = await import('./index.ts');
const { serve } = await import('../lib/service/serve.ts');
const { startMetrics } = await import('../lib/metrics/start.ts');
if (!(await stores.prepare(log))) process.exit(1);
await serve({ target: 'assemble', ...config, bodyLimit, lifecycle, log, faults });
await startMetrics(metrics);
keepCompiledCode();
