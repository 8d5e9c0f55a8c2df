// The image of the chaos demonstration: a landscape of 35 tiles.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drawSamples } from '../local/samples.ts';

/** Returns the landscape as a PNG. */
export async function chaosSample(): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-sample-'));
  try {
    const [landscape] = await drawSamples(folder, 1);
    return await readFile(landscape);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
