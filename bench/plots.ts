// Draws the benches' figures as small SVG line plots without a library: axes, lines, a legend.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Results } from './results.ts';

interface Series {
  name: string;
  points: { x: number; y: number }[];
}

export interface Plot {
  title: string;
  xLabel: string;
  yLabel: string;
  series: Series[];
}

const WIDTH = 640;
const HEIGHT = 380;
const MARGIN = { left: 64, right: 190, top: 40, bottom: 48 };
const COLORS = ['#0b6e99', '#d9730d', '#0f7b6c', '#ad1a72', '#6940a5', '#9b9a97', '#e03e3e'];
const GRID_LINES = 5;

/** Writes a plot for every measured section to `folder`. */
export async function drawPlots({ kernel, scale, machine }: Results, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const where = machine ? ` (${machine.cores} cores, ${machine.date})` : '';
  if (kernel) {
    const rows = kernel.rows.filter(({ tile }) => tile === 'RGB');
    const names = [...new Set(rows.map(({ implementation }) => implementation))];
    const series = names.map((name) => ({
      name,
      points: rows
        .filter(({ implementation }) => implementation === name)
        .map(({ kernelSize, megapixelsPerSecond }) => ({ x: kernelSize, y: megapixelsPerSecond })),
    }));
    const title = `Blurring a 256x256 tile, one thread${where}`;
    await drawPlot(join(folder, 'kernel.svg'), { title, xLabel: 'kernel size', yLabel: 'Mpx/s', series });
  }
  if (scale) {
    const sizes = scale.sizes.map(({ megapixels, ms }) => ({ x: megapixels, y: ms / 1000 }));
    await drawPlot(join(folder, 'megapixels.svg'), {
      title: `Request to PNG, two workers${where}`,
      xLabel: 'megapixels',
      yLabel: 'seconds',
      series: [{ name: 'Tessera', points: sizes }],
    });
    const speedUps = scale.workers.map(({ workers, speedUp }) => ({ x: workers, y: speedUp }));
    const ideal = scale.workers.map(({ workers }) => ({ x: workers, y: workers }));
    await drawPlot(join(folder, 'workers.svg'), {
      title: `Tiles a second by workers${where}`,
      xLabel: 'workers',
      yLabel: 'speed-up',
      series: [
        { name: 'Tessera', points: speedUps },
        { name: 'ideal', points: ideal },
      ],
    });
  }
}

/** Writes one plot as an SVG to `path`. */
export async function drawPlot(path: string, plot: Plot): Promise<void> {
  const points = plot.series.flatMap((series) => series.points);
  const xMax = Math.max(...points.map(({ x }) => x));
  const yMax = roundUp(Math.max(...points.map(({ y }) => y)));
  const plotWidth = WIDTH - MARGIN.left - MARGIN.right;
  const plotHeight = HEIGHT - MARGIN.top - MARGIN.bottom;
  const atX = (x: number) => (MARGIN.left + (x / xMax) * plotWidth).toFixed(1);
  const atY = (y: number) => (MARGIN.top + plotHeight - (y / yMax) * plotHeight).toFixed(1);

  const grid = Array.from({ length: GRID_LINES + 1 }, (_, line) => {
    const value = (yMax / GRID_LINES) * line;
    return (
      `<line x1="${MARGIN.left}" y1="${atY(value)}" x2="${MARGIN.left + plotWidth}" y2="${atY(value)}" stroke="#e3e2e0"/>` +
      `<text x="${MARGIN.left - 8}" y="${atY(value)}" text-anchor="end" dominant-baseline="middle">${label(value)}</text>`
    );
  });
  const ticks = [...new Set(points.map(({ x }) => x))].map(
    (x) => `<text x="${atX(x)}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${label(x)}</text>`,
  );
  const lines = plot.series.map((series, at) => {
    const color = COLORS[at % COLORS.length];
    const path = series.points.map(({ x, y }) => `${atX(x)},${atY(y)}`).join(' ');
    const dots = series.points.map(
      ({ x, y }) => `<circle cx="${atX(x)}" cy="${atY(y)}" r="3" fill="${color}"/>`,
    );
    const legendY = MARGIN.top + 10 + at * 20;
    const legendX = WIDTH - MARGIN.right + 16;
    return (
      `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/>${dots.join('')}` +
      `<line x1="${legendX}" y1="${legendY}" x2="${legendX + 18}" y2="${legendY}" stroke="${color}" stroke-width="2"/>` +
      `<text x="${legendX + 24}" y="${legendY}" dominant-baseline="middle">${series.name}</text>`
    );
  });
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#37352f">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${MARGIN.left}" y="22" font-size="15" font-weight="bold">${plot.title}</text>`,
    ...grid,
    ...ticks,
    ...lines,
    `<text x="${MARGIN.left + plotWidth / 2}" y="${HEIGHT - 8}" text-anchor="middle">${plot.xLabel}</text>`,
    `<text transform="translate(16 ${MARGIN.top + plotHeight / 2}) rotate(-90)" text-anchor="middle">${plot.yLabel}</text>`,
    '</svg>',
  ];
  await writeFile(path, `${svg.join('\n')}\n`);
}

/** The next of 1, 2, 2.5, 5 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

function label(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
