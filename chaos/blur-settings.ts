// Switches blur to a queue mode on a cluster, and restores its settings afterwards.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kubectl } from '../scripts/lib/kubectl.ts';
import { BlurRevisions } from './blur-revisions.ts';
import { CannotRun, type Narrate, type QueueMode } from './target.ts';

interface Variable {
  name: string;
  value?: string;
}

interface Waits {
  /** Limit for each wait. */
  timeoutMs: number;
  narrate: Narrate;
  signal: AbortSignal;
}

const LOOK_EVERY_MS = 200;

export class BlurSettings {
  readonly #kubectl: Kubectl;
  readonly #waits: Waits;
  /** Whether the workers are a plain Deployment (the fallback overlay) instead of a Knative Service. */
  readonly #isFallback: boolean;
  /** blur's variables before the change, while they are changed. */
  #found: Variable[] | null = null;
  /** Whether something has to be finished after a switch. */
  #isUnsettled = false;
  readonly #revisions: BlurRevisions;

  private constructor(kubectl: Kubectl, waits: Waits, isFallback: boolean) {
    this.#kubectl = kubectl;
    this.#waits = waits;
    this.#isFallback = isFallback;
    this.#revisions = new BlurRevisions(kubectl, waits.timeoutMs);
  }

  /** The revision whose pods have the settings; null if nothing was changed. */
  get revision(): string | null {
    return this.#revisions.current;
  }

  static async open(kubectl: Kubectl, waits: Waits): Promise<BlurSettings> {
    // The Service knows it: a Deployment may be a leftover of another overlay.
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

  /** Switches blur to this queue mode; the queue must be empty. Changes nothing if it already uses the mode. */
  async useQueue(mode: QueueMode): Promise<void> {
    const now = await this.#variables();
    if ((await this.#modeOf(now)) === mode) return;
    this.#waits.narrate(`switching blur to the ${mode} queue`);
    if (this.#found && (await this.#modeOf(this.#found)) === mode) {
      await this.#switchTo(this.#found);
      this.#found = null;
      return;
    }
    this.#found ??= now;
    const others = now.filter(({ name }) => name !== 'QUEUE_MODE');
    await this.#switchTo([...others, { name: 'QUEUE_MODE', value: mode }]);
  }

  /** Restores what was changed. The queue may have work by now, so workers are asked to stop, not killed. */
  async restore(): Promise<void> {
    try {
      if (this.#found) await this.#put(this.#found);
      this.#found = null;
    } finally {
      if (this.#isUnsettled) await (this.#isFallback ? this.#untilRolledOut() : this.#revisions.settle());
      this.#isUnsettled = false;
    }
  }

  async #variables(): Promise<Variable[]> {
    const path = 'jsonpath={.spec.template.spec.containers[0].env}';
    return JSON.parse((await this.#kubectl('get', this.#resource, '--output', path)) || '[]') as Variable[];
  }

  async #modeOf(variables: Variable[]): Promise<string> {
    const own = variables.findLast(({ name }) => name === 'QUEUE_MODE')?.value;
    return own ?? this.#kubectl('get', 'configmap', 'tessera', '--output', 'jsonpath={.data.QUEUE_MODE}');
  }

  /** Sets these variables of blur, and waits until workers have them. */
  async #switchTo(variables: Variable[]): Promise<void> {
    this.#isUnsettled = true;
    if (this.#isFallback) {
      await this.#put(variables);
      await this.#untilRolledOut();
      return;
    }
    await this.#revisions.retire();
    await this.#put(variables);
    await this.#revisions.untilRunning();
  }

  async #put(value: Variable[]): Promise<void> {
    const patch = JSON.stringify([{ op: 'add', path: '/spec/template/spec/containers/0/env', value }]);
    await this.#kubectl('patch', this.#resource, '--type', 'json', '--patch', patch);
    await this.#untilSeen();
  }

  async #untilRolledOut(): Promise<void> {
    const limit = `--timeout=${Math.ceil(this.#waits.timeoutMs / 1000)}s`;
    await this.#kubectl('rollout', 'status', 'deployment/blur-worker', limit);
  }

  async #untilSeen(): Promise<void> {
    const path = 'jsonpath={.metadata.generation} {.status.observedGeneration}';
    const deadline = Date.now() + this.#waits.timeoutMs;
    for (;;) {
      const [made, seen] = (await this.#kubectl('get', this.#resource, '--output', path)).split(' ');
      if (made === seen) return;
      if (Date.now() > deadline) throw new CannotRun('blur did not get its new settings');
      await sleep(LOOK_EVERY_MS);
    }
  }
}
