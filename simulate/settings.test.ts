import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import type { CostsResults } from '../bench/costs.ts';
import { requests } from './price.ts';
import { cluster, NO_LIMIT } from './settings.ts';

const read = (file: string) => parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'));
const settings = cluster({} as CostsResults['deployed'], 4);

it('scales blur as its ScaledObject says', () => {
  const { spec } = read('keda/blur.scaledobject.yaml');
  const { horizontalPodAutoscalerConfig, scalingModifiers } = spec.advanced;
  const { blur } = settings;
  expect(blur.target).toBe(Number(scalingModifiers.target));
  expect(blur.pollMs).toBe(1000 * spec.pollingInterval);
  expect(blur.cooldownMs).toBe(1000 * spec.cooldownPeriod);
  expect(blur.cooldownMs).toBe(
    1000 * horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds,
  );
  expect(horizontalPodAutoscalerConfig.behavior.scaleUp).toBeUndefined(); // The default: four pods, or twice as many.
});

it.each(['split', 'assemble'] as const)('scales %s as its Service says', (name) => {
  const { metadata, spec } = read(`knative/${name}.service.yaml`).spec.template;
  const annotation = (key: string) => metadata.annotations[`autoscaling.knative.dev/${key}`];
  const utilization = Number(annotation('target-utilization-percentage') ?? 70) / 100;
  const target = Number(annotation('target') ?? spec.containerConcurrency);
  expect(settings[name]).toMatchObject({
    max: Number(annotation('max-scale')),
    places: spec.containerConcurrency || NO_LIMIT, // 0 means no limit.
    target: target * utilization,
  });
});

it('has the memory budget of the manifests', () => {
  expect(settings.budgetBytes).toBe(Number(read('knative/tessera.config-map.yaml').data.REDIS_BUDGET_BYTES));
});

it.each(['split', 'blur', 'assemble'] as const)('prices %s by what its pods ask for', (name) => {
  const [container] = read(`knative/${name}.service.yaml`).spec.template.spec.containers;
  const { cpu, memory } = container.resources.requests;
  expect(requests[name]).toEqual({ cores: parseInt(cpu, 10) / 1000, gib: parseInt(memory, 10) / 1024 });
});

it('prices Redis by the memory that it may use', () => {
  const [container] = read('knative/redis.stateful-set.yaml').spec.template.spec.containers;
  expect(container.resources.limits.memory).toBe(`${requests.redis.gib}Gi`);
  expect(container.resources.requests.cpu).toBe(`${requests.redis.cores * 1000}m`);
});
