// blur's revisions while its settings are switched on a cluster. The old ones stop at once, and the new one
// is used as soon as it has a pod. Knative reports it as Ready about 15 s later, when the autoscaler has
// checked it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kubectl } from '../scripts/lib/kubectl.ts';
import { CannotRun } from './target.ts';

const SERVICE = 'service.serving.knative.dev/blur';
const OF_BLUR = ['--selector', 'serving.knative.dev/service=blur'];
const PAUSED = 'autoscaling.keda.sh/paused-replicas';
const LOOK_EVERY_MS = 200;

interface Pods {
  items: { status?: { conditions?: { type: string; status: string }[] } }[];
}

export class BlurRevisions {
  readonly #kubectl: Kubectl;
  readonly #timeoutMs: number;
  #retired: string[] = [];
  /** The revision in use; null if nothing was changed. */
  current: string | null = null;

  constructor(kubectl: Kubectl, timeoutMs: number) {
    this.#kubectl = kubectl;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Ends the pods of all revisions and stops KEDA from starting others. Only for an empty queue. A pod that
   * is asked to end continues for half a minute, because Knative drains it. A killed pod is replaced, but its
   * replacement ends at once, because it has not started yet.
   */
  async retire(): Promise<void> {
    await this.#kubectl('delete', 'pod', ...OF_BLUR, '--grace-period=0', '--force');
    await this.#kubectl('scale', 'deployment', ...OF_BLUR, '--replicas=0');
    this.#retired = await this.#names();
    const scaled = await this.#list('scaledobjects.keda.sh');
    for (const name of this.#retired.filter((each) => scaled.includes(each))) {
      await this.#kubectl('annotate', 'scaledobject.keda.sh', name, `${PAUSED}=0`, '--overwrite');
    }
  }

  /** Waits until there is a new revision with a ready pod. */
  async untilRunning(): Promise<void> {
    const deadline = Date.now() + this.#timeoutMs;
    for (;;) {
      const newest = await this.#status('latestCreatedRevisionName');
      if (newest && !this.#retired.includes(newest) && (await this.#hasReadyPod(newest))) {
        this.current = newest;
        return;
      }
      if (Date.now() > deadline) throw new CannotRun('the new revision of blur has no ready pod');
      await sleep(LOOK_EVERY_MS);
    }
  }

  /**
   * Waits until Knative reports the newest revision as Ready, and removes the others, because each one keeps
   * a ScaledObject on the same queue.
   */
  async settle(): Promise<void> {
    const newest = await this.#status('latestCreatedRevisionName');
    // There is no new one: the switch failed half-way.
    if (this.#retired.includes(newest))
      await this.#kubectl('annotate', 'scaledobject.keda.sh', newest, `${PAUSED}-`);
    const limit = `--timeout=${Math.ceil(this.#timeoutMs / 1000)}s`;
    await this.#kubectl('wait', '--for=condition=Ready', limit, SERVICE);
    const created = await this.#status('latestCreatedRevisionName');
    const ready = await this.#status('latestReadyRevisionName');
    if (!ready || created !== ready) {
      throw new CannotRun(`blur's newest revision (${created}) is not the ready one (${ready})`);
    }
    for (const name of await this.#names()) {
      if (name !== ready) await this.#kubectl('delete', 'revision.serving.knative.dev', name);
    }
    this.current = ready;
  }

  async #status(field: string): Promise<string> {
    return this.#kubectl('get', SERVICE, '--output', `jsonpath={.status.${field}}`);
  }

  async #names(): Promise<string[]> {
    return this.#list('revisions.serving.knative.dev', ...OF_BLUR);
  }

  async #list(kind: string, ...selector: string[]): Promise<string[]> {
    const path = 'jsonpath={.items[*].metadata.name}';
    const names = await this.#kubectl('get', kind, ...selector, '--output', path);
    return names.split(/\s+/).filter((name) => name !== '');
  }

  async #hasReadyPod(revision: string): Promise<boolean> {
    const selector = `serving.knative.dev/revision=${revision}`;
    const json = await this.#kubectl('get', 'pods', '--selector', selector, '--output', 'json');
    return (JSON.parse(json) as Pods).items.some(({ status }) =>
      status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
    );
  }
}
