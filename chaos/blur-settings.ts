// The queue that blur works on a cluster: switched for the demonstration and put back afterwards.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kubectl } from '../scripts/lib/kubectl.ts';
import { CannotRun, type Narrate, type QueueMode } from './target.ts';

interface Variable {
  name: string;
  value?: string;
}

interface Waits {
  /** How long each wait may take. */
  timeoutMs: number;
  narrate: Narrate;
  signal: AbortSignal;
}

const LOOK_EVERY_MS = 200;

export class BlurSettings {
  readonly #kubectl: Kubectl;
  readonly #waits: Waits;
  /** Whether a plain Deployment runs the workers (the fallback overlay), not a Knative Service. */
  readonly #isFallback: boolean;
  /** blur's variables as they were found, while they are changed. */
  #found: Variable[] | null = null;
  /** The revision whose pods have the settings; null as long as nothing was changed. */
  revision: string | null = null;

  private constructor(kubectl: Kubectl, waits: Waits, isFallback: boolean) {
    this.#kubectl = kubectl;
    this.#waits = waits;
    this.#isFallback = isFallback;
  }

  static async open(kubectl: Kubectl, waits: Waits): Promise<BlurSettings> {
    // The Service says it: a Deployment may have been left behind by another overlay.
    const label = String.raw`jsonpath={.metadata.labels.tessera\.dev/scaled-by}`;
    const scaledBy = await kubectl('get', 'service.serving.knative.dev', 'blur', '--output', label);
    return new BlurSettings(kubectl, waits, scaledBy === 'deployment');
  }

  get podSelector(): string {
    return this.#isFallback
      ? 'app.kubernetes.io/name=blur,app.kubernetes.io/component=worker'
      : 'serving.knative.dev/service=blur';
  }

  get #resource(): string {
    return this.#isFallback ? 'deployment.apps/blur-worker' : 'service.serving.knative.dev/blur';
  }

  /** Has blur work in this queue mode; changes nothing where it does already. */
  async useQueue(mode: QueueMode): Promise<void> {
    const now = await this.#variables();
    if ((await this.#modeOf(now)) === mode) return;
    this.#waits.narrate(`switching blur to the ${mode} queue`);
    if (this.#found && (await this.#modeOf(this.#found)) === mode) {
      await this.restore();
      return;
    }
    this.#found ??= now;
    const others = now.filter(({ name }) => name !== 'QUEUE_MODE');
    await this.#put([...others, { name: 'QUEUE_MODE', value: mode }]);
  }

  /** Puts back what was changed. */
  async restore(): Promise<void> {
    if (!this.#found) return;
    await this.#put(this.#found);
    this.#found = null;
  }

  async #variables(): Promise<Variable[]> {
    const path = 'jsonpath={.spec.template.spec.containers[0].env}';
    return JSON.parse((await this.#kubectl('get', this.#resource, '--output', path)) || '[]') as Variable[];
  }

  async #modeOf(variables: Variable[]): Promise<string> {
    const own = variables.findLast(({ name }) => name === 'QUEUE_MODE')?.value;
    return own ?? this.#kubectl('get', 'configmap', 'tessera', '--output', 'jsonpath={.data.QUEUE_MODE}');
  }

  /** Gives blur these variables and waits until its workers are the ones that have them. */
  async #put(value: Variable[]): Promise<void> {
    // Knative drains a pod for half a minute; this lets that begin while the new revision starts. Nothing is queued now, and what
    // comes meanwhile has KEDA start a pod again.
    if (!this.#isFallback) {
      await this.#kubectl('scale', 'deployment', '--selector', this.podSelector, '--replicas=0');
    }
    const patch = JSON.stringify([{ op: 'add', path: '/spec/template/spec/containers/0/env', value }]);
    await this.#kubectl('patch', this.#resource, '--type', 'json', '--patch', patch);
    await this.#untilSeen();
    const limit = `--timeout=${Math.ceil(this.#waits.timeoutMs / 1000)}s`;
    if (this.#isFallback) {
      await this.#kubectl('rollout', 'status', 'deployment/blur-worker', limit);
    } else {
      await this.#kubectl('wait', '--for=condition=Ready', limit, this.#resource);
      await this.#prune();
    }
  }

  async #untilSeen(): Promise<void> {
    const path = 'jsonpath={.metadata.generation} {.status.observedGeneration}';
    const deadline = Date.now() + this.#waits.timeoutMs;
    for (;;) {
      const [made, seen] = (await this.#kubectl('get', this.#resource, '--output', path)).split(' ');
      if (made === seen) return;
      if (Date.now() > deadline) throw new CannotRun('blur did not take its new settings');
      await sleep(LOOK_EVERY_MS);
    }
  }

  /** Every live revision keeps a ScaledObject of its own on the same queue: an old one would go on working it. */
  async #prune(): Promise<void> {
    const read = (path: string) =>
      this.#kubectl('get', this.#resource, '--output', `jsonpath={.status.${path}}`);
    const [created, ready] = [await read('latestCreatedRevisionName'), await read('latestReadyRevisionName')];
    if (!ready || created !== ready) {
      throw new CannotRun(`blur's newest revision (${created}) is not the ready one (${ready})`);
    }
    const kind = 'revisions.serving.knative.dev';
    const list = [
      '--selector',
      'serving.knative.dev/service=blur',
      '--output',
      'jsonpath={.items[*].metadata.name}',
    ];
    for (const name of (await this.#kubectl('get', kind, ...list)).split(/\s+/)) {
      if (name && name !== ready) await this.#kubectl('delete', 'revision.serving.knative.dev', name);
    }
    this.revision = ready;
  }
}
