// Serves split until it is asked to stop.
import '../lib/service/heap-limits.ts';
import { serve } from '../lib/service/serve.ts';
import { bodyLimit, config, faults, lifecycle, log } from './index.ts';

await serve({ target: 'split', ...config, bodyLimit, lifecycle, log, faults });
