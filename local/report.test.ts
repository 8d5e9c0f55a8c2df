import { describe, expect, it } from 'vitest';
import type { ImageResult } from './image-result.ts';
import { jsonReport, textReport } from './report.ts';

const written = (at: number): ImageResult => ({
  id: String(at),
  input: `in/${at}.png`,
  name: `${at}.png`,
  width: 2000,
  height: 1000,
  tiles: 32,
  done: 32,
  state: 'done',
  ms: 100,
  output: `out/${at}_blurred.png`,
  error: null,
});
const failed = (at: number, state = 'refused'): ImageResult => ({
  ...written(at),
  state,
  output: null,
  error: 'no image',
  tiles: 0,
  done: 0,
});
const report = (results: ImageResult[], endedBy: string | null = null) => ({
  results,
  skipped: [{ name: 'b.webp', reason: 'a broken link' }],
  recipe: { filter: 'blur' as const, values: { kernel: 15 } },
  out: 'out',
  ms: 2000,
  endedBy,
});

describe('textReport', () => {
  it('has totals, pace and skipped files', () => {
    expect(textReport(report([written(1), failed(2)]))).toBe(
      '1 skipped: b.webp (a broken link)\n1 of 2 images written to out: 32 of 32 tiles, 2.0 Mpx, 1.0 Mpx/s, blur, kernel 15, 2000 ms in all',
    );
  });

  it('says why a run ended early, and how many images it had not started', () => {
    const lines = textReport(report([written(1), failed(2, 'not started')], 'Redis ended')).split('\n');
    expect(lines.slice(1, 3)).toEqual(['1 not started', 'ended early: Redis ended']);
  });

  it('lists images without a result again if they have left the screen', () => {
    const results = Array.from({ length: 60 }, (_, at) => (at < 30 ? written(at) : failed(at)));
    expect(textReport(report(results))).toMatch(
      /\n30 not written: in\/30\.png, .*, in\/49\.png and 10 more\n/,
    );
  });
});

describe('jsonReport', () => {
  it('has the paths and the same figures', () => {
    expect(JSON.parse(jsonReport(report([written(1), failed(2)], 'Redis ended')))).toMatchObject({
      images: [
        { input: 'in/1.png', output: 'out/1_blurred.png' },
        { input: 'in/2.png', output: null, error: 'no image' },
      ],
      skipped: [{ name: 'b.webp' }],
      expected: 32,
      processed: 32,
      missing: 0,
      megapixels: 2,
      megapixelsPerS: 1,
      endedBy: 'Redis ended',
    });
  });
});
