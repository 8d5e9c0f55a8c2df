// Blurs all images of a folder as fast as sharp can: as many at once as there are cores, each in one thread.
// `node bench/lib/sharp-batch.ts FOLDER OUT SIGMA`
import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, parse } from 'node:path';
import sharp from 'sharp';

const [folder, out, sigma] = process.argv.slice(2);
sharp.concurrency(1);
const files = (await readdir(folder)).values();
const lanes = Array.from({ length: availableParallelism() }, async () => {
  for (const file of files) {
    await sharp(join(folder, file))
      .blur(Number(sigma))
      .png()
      .toFile(join(out, `${parse(file).name}.png`));
  }
});
await Promise.all(lanes);
