// Serves assemble until it is asked to stop.
import '../lib/service/heap-limits.ts';
import { serve } from '../lib/service/serve.ts';
import { bodyLimit, config, faults, lifecycle, log, stores } from './index.ts';

if (!(await stores.prepare(log))) process.exit(1);
await serve({ target: 'assemble', ...config, bodyLimit, lifecycle, log, faults });
