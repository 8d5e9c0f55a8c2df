// A number over the last minute, as steps: 0 → N → 0.

export interface Point {
  at: number;
  value: number;
}

interface ChartProps {
  label: string;
  points: readonly Point[];
  windowMs: number;
}

const [WIDTH, HEIGHT] = [100, 30];

export function Chart({ label, points, windowMs }: ChartProps) {
  const now = points.at(-1)?.value ?? 0;
  const peak = Math.max(0, ...points.map(({ value }) => value));
  const line = stepLine(points, windowMs, Math.max(1, peak));
  return (
    <figure class={`chart ${now > 0 ? 'active' : ''}`}>
      <figcaption>
        <span>{label}</span> <strong>{now}</strong>
        {peak > now && <small> peak {peak}</small>}
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {line !== '' && <path class="area" d={`${line} V${HEIGHT} H${leftOf(points, windowMs)} Z`} />}
        {line !== '' && <path class="line" d={line} />}
      </svg>
    </figure>
  );
}

/** Returns the path of steps; empty without points. The last point is at the right edge. */
export function stepLine(points: readonly Point[], windowMs: number, top: number): string {
  const end = points.at(-1)?.at;
  if (end === undefined) return '';
  const y = (value: number) => round(HEIGHT - 1 - (value / top) * (HEIGHT - 3));
  const [first, ...rest] = points;
  const steps = rest.map(({ at, value }) => `H${xOf(at, end, windowMs)} V${y(value)}`);
  return [`M${leftOf(points, windowMs)} ${y(first.value)}`, ...steps, `H${WIDTH}`].join(' ');
}

function leftOf(points: readonly Point[], windowMs: number): number {
  const end = points.at(-1)?.at ?? 0;
  return xOf(points[0]?.at ?? end, end, windowMs);
}

function xOf(at: number, end: number, windowMs: number): number {
  return round(Math.max(0, WIDTH * (1 - (end - at) / windowMs)));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
