// Reads the metrics of a function as Prometheus does.

/** One line of a scrape: the name, the labels as they are written, and the value. */
interface Sample {
  name: string;
  labels: string;
  value: number;
}

export class Scrape {
  /** The text as it was received. */
  readonly text: string;
  readonly #samples: Sample[];

  constructor(text: string) {
    this.text = text;
    this.#samples = text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const [, name, labels = '', value] = /^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
        if (name === undefined) throw new Error(`This is no sample: ${line}`);
        return { name, labels, value: Number(value) };
      });
  }

  /** Returns the value of a sample; undefined if there is none. Its labels must contain `labels`. */
  get(name: string, labels = ''): number | undefined {
    return this.#samples.find((each) => each.name === name && each.labels.includes(labels))?.value;
  }

  /** Returns name → help of all metrics whose name starts with `prefix`. */
  helps(prefix: string): Map<string, string> {
    const lines = this.text.matchAll(/^# HELP (\S+) (.*)$/gm);
    return new Map(
      [...lines].map(([, name, help]) => [name, help] as const).filter(([name]) => name.startsWith(prefix)),
    );
  }

  /** Returns name → type of all metrics. */
  types(): Map<string, string> {
    const lines = this.text.matchAll(/^# TYPE (\S+) (\S+)$/gm);
    return new Map([...lines].map(([, name, type]) => [name, type]));
  }

  /** Returns the names of a metric's labels. */
  labelsOf(name: string): string[] {
    const written = this.#samples.filter((each) => each.name === name).map(({ labels }) => labels);
    return [
      ...new Set(written.flatMap((labels) => [...labels.matchAll(/([a-z_]+)="/g)].map(([, label]) => label))),
    ];
  }
}

export async function scrape(port: number): Promise<Scrape> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  if (!response.ok) throw new Error(`The scrape was answered with ${response.status}`);
  return new Scrape(await response.text());
}
