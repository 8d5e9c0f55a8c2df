import { expect, it } from 'vitest';
import { generatePasses } from '../scripts/generate-passes.ts';
import { read } from '../scripts/lib/generated-files.ts';

it('the loops of the convolution are those of the template', async () => {
  const files = await generatePasses();
  expect(files.size).toBe(1);
  for (const [path, text] of files) expect(await read(path)).toBe(text);
});
