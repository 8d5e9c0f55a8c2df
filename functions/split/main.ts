// Serves split until it is asked to stop.
import '../lib/collector.ts';
import { serve } from '../lib/serve.ts';
import { config, lifecycle, log } from './index.ts';

await serve({ target: 'split', ...config, lifecycle, log });
