// STORE=file: INPUT_PATH and OUTPUT_PATH are folders, and a result is named after its image.
import type { Config } from '../config.ts';
import { FileStore } from './file-store.ts';
import { LabelledResults } from './labelled-results.ts';
import { makeOutputFolder } from './output-folder.ts';
import type { Stores } from './stores.ts';

export function openFileStores({ inputPath, outputPath, resultTtlS }: Config): Stores {
  return {
    inputs: new FileStore(inputPath),
    results: new LabelledResults(new FileStore(outputPath), resultTtlS),
    uploads: null,
    memoryBytes: () => 0,
    async prepare(log) {
      try {
        await makeOutputFolder(outputPath);
        return true;
      } catch (error) {
        log.error('OUTPUT_PATH cannot be used', { path: outputPath, error });
        return false;
      }
    },
  };
}
