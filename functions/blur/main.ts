// Serves blur until it is asked to stop.
import { keepCompiledCode, useCompiledCode } from '../lib/service/compile-cache.ts';
import '../lib/service/heap-limits.ts';
import '../lib/service/stop-signal.ts'; // Early: the consumer claims tiles before there is a server that releases them.

useCompiledCode(import.meta.dirname);
const { bodyLimit, config, faults, lifecycle, log, metrics } = await import('./index.ts');
// Loaded after the consumer has started, see index.ts.
const { serve } = await import('../lib/service/serve.ts');
const { startMetrics } = await import('../lib/metrics/start.ts');
await serve({ target: 'blur', ...config, bodyLimit, lifecycle, log, faults });
await startMetrics(metrics);
keepCompiledCode();
