// The component `metrics`: everything that the dashboard and the alerts read exists, and Prometheus gets to it.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { definitionsOf, type Definition } from '../../functions/lib/metrics/definitions.ts';
import { hasProgram } from '../support/has-program.ts';
import { renderVariant, root, variants } from './overlays.ts';
import { parseQuery } from './promql.ts';
import { configMapData, find, workloadsOf, type Manifest } from './shapes.ts';

const names = ['split', 'blur', 'assemble'] as const;
const withMetrics = variants.filter((each) => each.components.includes('knative/components/metrics'));
/** What Knative's queue-proxy listens on, in the same pod. */
const portsOfKnative = [8012, 8013, 8022, 8112, 9090, 9091];

/** What Prometheus adds to each sample of a pod. */
const targetLabels = ['namespace', 'pod', 'container', 'instance', 'job'];
/** Metrics of others, as KEDA 2.20 (pkg/metricscollector/prommetrics.go) and prom-client name them, with their labels. */
const ofOthers: Record<string, string[]> = {
  keda_scaler_metrics_value: ['namespace', 'metric', 'scaledObject', 'scaler', 'triggerIndex', 'type'],
  keda_scaled_object_errors_total: ['namespace', 'scaledObject'],
  nodejs_eventloop_lag_p99_seconds: targetLabels,
  process_resident_memory_bytes: targetLabels,
  process_cpu_seconds_total: targetLabels,
};

/** The names of triggers that KEDA shows as `scaler`. */
async function triggerNames(): Promise<string[]> {
  const text = await readFile(join(root, 'keda/blur.scaledobject.yaml'), 'utf8');
  return [...text.matchAll(/^ +name: (\w+)$/gm)].map(([, name]) => name);
}

/** Returns every series name of our own with its labels. */
function ownSeries(): Map<string, string[]> {
  const series = new Map<string, string[]>();
  for (const { name, labels = [] } of names.flatMap((each): Definition[] => definitionsOf(each))) {
    const all = [...labels, ...targetLabels];
    if (!name.endsWith('_duration_seconds')) series.set(name, all);
    else for (const part of ['bucket', 'sum', 'count']) series.set(`${name}_${part}`, [...all, 'le']);
  }
  return series;
}

interface Rule {
  alert: string;
  expr: string;
  annotations: Record<string, string>;
}

async function manifests(): Promise<Manifest[]> {
  return renderVariant(withMetrics[0]);
}

async function rules(): Promise<Rule[]> {
  const rule = find(await manifests(), 'monitoring.coreos.com/v1 PrometheusRule', 'tessera');
  if (!rule) throw new Error('There are no alerts');
  const { groups } = rule.spec as { groups: { rules: Rule[] }[] };
  return groups.flatMap((group) => group.rules);
}

interface Panel {
  title: string;
  targets?: { expr: string; legendFormat: string }[];
}

async function panels(): Promise<Panel[]> {
  const text = configMapData(await manifests(), 'tessera-dashboard')['dashboard.json'];
  return (JSON.parse(text) as { panels: Panel[] }).panels.filter((panel) => panel.targets !== undefined);
}

/** Returns what is wrong with an expression: metrics and labels that nothing exports. */
async function faultsOf(expression: string): Promise<string[]> {
  const series = new Map([...ownSeries(), ...Object.entries(ofOthers)]);
  const { selectors, groupedBy } = parseQuery(expression);
  const known = new Set(selectors.flatMap(({ metric }) => series.get(metric) ?? []));
  const triggers = await triggerNames();
  return [
    ...selectors.filter(({ metric }) => !series.has(metric)).map(({ metric }) => `no metric ${metric}`),
    ...selectors.flatMap(({ metric, matchers }) =>
      matchers
        .filter(({ label }) => !series.get(metric)?.includes(label))
        .map(({ label }) => `${metric} has no label ${label}`),
    ),
    ...selectors.flatMap(({ matchers }) =>
      matchers
        .filter(({ label }) => label === 'scaler')
        .flatMap(({ value }) => value.split('|').filter((each) => !triggers.includes(each)))
        .map((each) => `no trigger ${each}`),
    ),
    ...groupedBy.filter((label) => !known.has(label)).map((label) => `nothing has a label ${label}`),
  ];
}

describe('the check of an expression', () => {
  it.each([
    ['max(tessera_tiles_don_total)', ['no metric tessera_tiles_don_total']],
    ['tessera_queue_tiles{stat="ready"}', ['tessera_queue_tiles has no label stat']],
    ['sum by (rout) (tessera_http_requests_total)', ['nothing has a label rout']],
    ['keda_scaler_metrics_value{scaler=~"queue|lease"}', ['no trigger lease']],
    ['tessera_tile_duration_seconds', ['no metric tessera_tile_duration_seconds']],
    ['rate(tessera_tile_duration_seconds_bucket{le="1",namespace="$namespace"}[$__rate_interval])', []],
  ])('finds what is wrong in %s', async (expression, faults) => {
    expect(await faultsOf(expression)).toEqual(faults);
  });

  it('refuses what is not PromQL', () => {
    expect(() => parseQuery('max(tessera_dead_letters')).toThrow('no PromQL');
  });
});

describe('the alerts', () => {
  it('read only metrics and labels that exist', async () => {
    const all = await rules();
    expect(all.length).toBeGreaterThanOrEqual(8);
    for (const { alert, expr } of all) expect(await faultsOf(expr), `the alert ${alert}`).toEqual([]);
  });

  it('say what is wrong and what to do, with labels that their expressions keep', async () => {
    for (const { alert, expr, annotations } of await rules()) {
      expect(alert).toMatch(/^Tessera[A-Z]/);
      expect(annotations.summary).toMatch(/./);
      expect(annotations.description).toMatch(/./);
      const used = [...JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label);
      expect(parseQuery(expr).groupedBy).toEqual(expect.arrayContaining(used));
    }
  });

  it.runIf(hasProgram('promtool'))('fire when they should, and only then', { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tessera-rules-'));
    try {
      // What an alert says does not matter here.
      const all = await rules();
      for (const rule of all) rule.annotations = {};
      const groups = [{ name: 'tessera', rules: all }];
      await writeFile(join(folder, 'rules.yaml'), stringify({ groups }));
      const cases = await readFile(join(root, 'test/manifests/alert-cases.yaml'), 'utf8');
      await writeFile(join(folder, 'cases.yaml'), cases);
      for (const { alert } of await rules()) expect(cases).toContain(`alertname: ${alert}\n`);
      await promisify(execFile)('promtool', ['test', 'rules', join(folder, 'cases.yaml')]).catch(
        ({ stdout, stderr }: { stdout: string; stderr: string }) => {
          throw new Error(stdout + stderr);
        },
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the dashboard', () => {
  it('reads only metrics and labels that exist', async () => {
    const all = await panels();
    expect(all.length).toBeGreaterThan(15);
    for (const { title, targets = [] } of all) {
      for (const { expr } of targets) expect(await faultsOf(expr), `the panel ${title}`).toEqual([]);
    }
  });

  it('names series by labels that their expressions keep', async () => {
    for (const { title, targets = [] } of await panels()) {
      for (const { expr, legendFormat } of targets) {
        const { groupedBy, selectors } = parseQuery(expr);
        const isAggregated = /\b(sum|max|min|count)\b/.test(expr);
        const kept = isAggregated ? groupedBy : selectors.flatMap(() => targetLabels);
        const used = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
        expect(kept, `the panel ${title}`).toEqual(expect.arrayContaining(used));
      }
    }
  });

  it('never adds up what every pod of split shows', async () => {
    const shared = new Set(definitionsOf('split').map(({ name }) => name));
    for (const each of ['tessera_http_requests_total', 'tessera_build_info', 'tessera_uploads_in_flight']) {
      shared.delete(each);
    }
    for (const { title, targets = [] } of await panels()) {
      for (const { expr } of targets) {
        const isShared = parseQuery(expr).selectors.some(({ metric }) => shared.has(metric));
        expect(isShared && /\bsum\b/.test(expr), `the panel ${title}`).toBe(false);
      }
    }
  });
});

describe.each(withMetrics)('$name', (variant) => {
  it('has one port for metrics: served, let in, and scraped', async () => {
    const all = await renderVariant(variant);
    const port = Number(configMapData(all, 'tessera').METRICS_PORT);
    expect(port).toBeGreaterThan(1024);
    const policy = find(all, 'networking.k8s.io/v1 NetworkPolicy', 'metrics')?.spec as {
      podSelector: unknown;
      ingress: { from: unknown[]; ports: { port: number }[] }[];
    };
    expect(policy.ingress).toHaveLength(1);
    expect(policy.ingress[0].from.length).toBeGreaterThan(0); // Not everyone.
    expect(policy.ingress[0].ports).toEqual([{ port, protocol: 'TCP' }]);
    const monitor = find(all, 'monitoring.coreos.com/v1 PodMonitor', 'functions')?.spec as {
      selector: unknown;
      podMetricsEndpoints: { relabelings: { regex: string; replacement?: string; action?: string }[] }[];
    };
    expect(monitor.selector).toEqual(policy.podSelector);
    const [keep, ...addresses] = monitor.podMetricsEndpoints[0].relabelings;
    const addressOf = (ip: string) =>
      addresses
        .filter(({ regex }) => new RegExp(`^(?:${regex})$`).test(ip))
        .map(({ regex, replacement = '' }) => ip.replace(new RegExp(`^(?:${regex})$`), replacement));
    expect(addressOf('10.1.2.3')).toEqual([`10.1.2.3:${port}`]);
    expect(addressOf('fd00::1')).toEqual([`[fd00::1]:${port}`]);
    expect(keep.action).toBe('keep');
    // Every pod declares the port by which it is found, and no other.
    const declared = workloadsOf(all)
      .map(({ template }) => template.spec.containers[0])
      .filter(({ name }) => names.some((each) => each === name))
      .map(({ ports = [] }) => ports.map(({ containerPort }) => String(containerPort)).join());
    expect(declared.length).toBeGreaterThanOrEqual(3);
    expect(new Set(declared)).toEqual(new Set([keep.regex]));
    expect([...portsOfKnative, Number(keep.regex)]).not.toContain(port);
  });
});

describe('without the component', () => {
  it('nothing serves or scrapes metrics', async () => {
    const all = await renderVariant(variants.find((each) => each.name === 'default') ?? variants[0]);
    expect(configMapData(all, 'tessera').METRICS_PORT).toBe('0');
    expect(JSON.stringify(all)).not.toMatch(/monitoring\.coreos|9464/);
  });
});

describe('docs/OPERATING.md', () => {
  const section = async (from: string, to: string) => {
    const text = await readFile(join(root, 'docs/OPERATING.md'), 'utf8');
    return text.slice(text.indexOf(`\n## ${from}`), text.indexOf(`\n## ${to}`));
  };

  it('lists every metric with its labels and its meaning', async () => {
    const rows = (await section('Metrics', 'Traces')).matchAll(
      /^\| `(tessera_\w+)` +\| ([^|]*?) +\| ([^|]*?) +\|$/gm,
    );
    const told = [...rows].map(([, name, labels, help]) => [name, { labels, help }]);
    const wanted = names
      .flatMap((each): Definition[] => definitionsOf(each))
      .map(({ name, labels = [], help }) => [
        name,
        { labels: labels.map((each) => `\`${each}\``).join(', '), help },
      ]);
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(wanted));
  });

  it('lists every alert', async () => {
    const told = [...(await section('Alerts', 'Metrics')).matchAll(/^\| `(Tessera\w+)`/gm)].map(
      ([, name]) => name,
    );
    expect(told.sort()).toEqual((await rules()).map(({ alert }) => alert).sort());
  });
});
