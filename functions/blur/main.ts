// Serves blur until it is asked to stop.
import { keepCompiledCode, useCompiledCode } from '../lib/service/compile-cache.ts';
import '../lib/service/heap-limits.ts';
import '../lib/service/stop-signal.ts'; // Early: the consumer claims tiles before there is a server that releases them.

useCompiledCode(import.meta.dirname);
const { bodyLimit, config, faults, lifecycle, log } = await import('./index.ts');
// Loaded after the consumer has started, see index.ts.
const { serve } = await import('../lib/service/serve.ts');
await serve({ target: 'blur', ...config, bodyLimit, lifecycle, log, faults });
keepCompiledCode();
