// Serves assemble until it is asked to stop.
import '../lib/service/heap-limits.ts';
import { serve } from '../lib/service/serve.ts';
import { bodyLimit, config, faults, lifecycle, log } from './index.ts';
import { makeOutputFolder } from './output-folder.ts';

if (config.store === 'file') {
  await makeOutputFolder(config.outputPath).catch((error: unknown) => {
    log.error('OUTPUT_PATH cannot be used', { path: config.outputPath, error });
    process.exit(1);
  });
}
await serve({ target: 'assemble', ...config, bodyLimit, lifecycle, log, faults });
