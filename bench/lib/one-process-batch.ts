// Blurs all images of a folder in one process with the pipeline's own code, one after another.
// `node bench/lib/one-process-batch.ts FOLDER OUT KERNEL`
import { readdir, readFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { blurInOneProcess } from './one-process.ts';

const [folder, out, kernel] = process.argv.slice(2);
for (const file of await readdir(folder)) {
  const image = await readFile(join(folder, file));
  await blurInOneProcess(image, join(out, `${parse(file).name}.png`), Number(kernel));
}
