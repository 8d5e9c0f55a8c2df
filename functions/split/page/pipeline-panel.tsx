// The queue's numbers over time, and the workers.
import { Chart } from './chart.tsx';
import { samples, type Sample } from './look.ts';
import { workers, type ShownWorker } from './workers.ts';

const charts: [field: Exclude<keyof Sample, 'at'>, label: string][] = [
  ['queued', 'Queued'],
  ['inFlight', 'In flight'],
  ['delayed', 'Delayed'],
  ['workers', 'Workers'],
];

/** The shortest and the longest time that the charts show. */
const [SHORTEST_MS, LONGEST_MS] = [20_000, 60_000];

export function PipelinePanel() {
  const ageMs = (samples.value.at(-1)?.at ?? 0) - (samples.value[0]?.at ?? 0);
  const windowMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, ageMs));
  return (
    <section class="panel">
      <h2>
        Pipeline <small>the last {Math.round(windowMs / 1000)} s</small>
      </h2>
      <div class="charts">
        {charts.map(([field, label]) => (
          <Chart
            key={field}
            label={label}
            points={samples.value.map((sample) => ({ at: sample.at, value: sample[field] }))}
            windowMs={windowMs}
          />
        ))}
      </div>
      <h3>Workers</h3>
      <Workers />
    </section>
  );
}

function Workers() {
  const shown = workers.value;
  if (shown.length === 0) return <p class="hint">None. They start when there is something to do.</p>;
  return (
    <ul class="workers">
      {shown.map((worker) => (
        <li key={worker.id} class={worker.state}>
          <span class="name" title={worker.id}>
            {shortName(worker.id)}
          </span>
          <span class="doing">{wordsFor(worker)}</span>
        </li>
      ))}
    </ul>
  );
}

/** The end of an id tells workers apart; pods of one revision share their beginning. */
function shortName(id: string): string {
  return id.length > 12 ? `…${id.slice(-11)}` : id;
}

function wordsFor({ state, inFlight, done }: ShownWorker): string {
  if (state === 'lost') return `lost · ${done} done`;
  if (state === 'left') return `stopped · ${done} done`;
  return `${inFlight} in flight · ${done} done`;
}
