// The chaos demonstration on kubectl's current cluster.
import { setTimeout as sleep } from 'node:timers/promises';
import { countsOf, countsScript, pendingWork } from '../functions/lib/queue/counts.ts';
import { SplitClient } from '../local/split-client.ts';
import { kubectlIn, needNamespace, type Kubectl } from '../scripts/lib/kubectl.ts';
import { BlurSettings } from './blur-settings.ts';
import { RedisCli } from './redis-cli.ts';
import { CannotRun, type ChaosPlace, type ChaosTarget, type Narrate, type QueueMode } from './target.ts';

const LOOK_EVERY_MS = 200;
/** How long a worker with a tile in flight may have no address yet. */
const ADDRESS_MS = 5000;

export interface ClusterOptions {
  namespace: string;
  /** split's URL; without one, the cluster is asked. */
  url: string | undefined;
  token: string | undefined;
  /** Limit for each wait. */
  timeoutMs: number;
  narrate: Narrate;
  signal: AbortSignal;
}

interface Pod {
  metadata: { deletionTimestamp?: string; labels?: Record<string, string> };
  status?: { podIP?: string };
}

export class ClusterPlace implements ChaosPlace {
  readonly #options: ClusterOptions;
  readonly #kubectl: Kubectl;
  readonly #settings: BlurSettings;
  readonly #redis: RedisCli;
  readonly #url: string;
  readonly #keyPrefix: string;

  private constructor(
    options: ClusterOptions,
    parts: { kubectl: Kubectl; settings: BlurSettings; url: string; keyPrefix: string },
  ) {
    this.#options = options;
    this.#kubectl = parts.kubectl;
    this.#settings = parts.settings;
    this.#url = parts.url;
    this.#keyPrefix = parts.keyPrefix;
    this.#redis = new RedisCli(options.namespace);
  }

  static async open(options: ClusterOptions): Promise<ClusterPlace> {
    const { namespace, timeoutMs, narrate, signal } = options;
    const kubectl = kubectlIn(namespace, timeoutMs + 10_000);
    await needNamespace(kubectl, namespace);
    const url =
      options.url ??
      (await kubectl('get', 'service.serving.knative.dev', 'split', '--output', 'jsonpath={.status.url}'));
    if (!url)
      throw new CannotRun(`namespace ${namespace} has no split with a URL: scripts/deploy.sh, or give --url`);
    const keyPrefix = await kubectl('get', 'configmap', 'tessera', '--output', 'jsonpath={.data.KEY_PREFIX}');
    const settings = await BlurSettings.open(kubectl, { timeoutMs, narrate, signal });
    const parts = { kubectl, settings, url: url.replace(/\/$/, ''), keyPrefix: keyPrefix || 'image' };
    return new ClusterPlace(options, parts);
  }

  async use(queue: QueueMode): Promise<ChaosTarget> {
    if (await this.#hasWork())
      throw new CannotRun('the queue is not empty: this would kill workers that others need');
    await this.#settings.useQueue(queue);
    return {
      redis: this.#redis.call,
      split: new SplitClient(this.#url, this.#options.token),
      keyPrefix: this.#keyPrefix,
      countWorkers: async () => Math.max(1, (await this.#pods()).length),
      untilOthersLeft: (signal) => this.#waitForOthers(signal),
      killWorkers: (keepHeld) => this.#killWorkers(keepHeld),
    };
  }

  async close(): Promise<void> {
    this.#redis.close();
    await this.#settings.restore();
  }

  async #hasWork(): Promise<boolean> {
    const answer = await this.#redis.call('EVAL', countsScript, 1, this.#keyPrefix, 0);
    return pendingWork(countsOf(answer)) > 0;
  }

  async #pods(): Promise<Pod[]> {
    const json = await this.#kubectl(
      'get',
      'pods',
      '--selector',
      this.#settings.podSelector,
      '--output',
      'json',
    );
    return (JSON.parse(json) as { items: Pod[] }).items;
  }

  /** Waits for pods that are stopping or have other settings. They may take tiles while Knative drains them. */
  async #waitForOthers(signal: AbortSignal): Promise<void> {
    const { narrate, timeoutMs } = this.#options;
    const deadline = Date.now() + timeoutMs;
    for (let told = 0; ; await sleep(LOOK_EVERY_MS, undefined, { signal })) {
      const leaving = (await this.#pods()).filter((pod) => this.#isLeaving(pod)).length;
      if (leaving === 0) return;
      const pods = `${leaving} ${leaving === 1 ? 'pod' : 'pods'} of the last revision`;
      if (leaving !== told) narrate(`waiting for ${pods} to leave`);
      if (Date.now() > deadline) throw new CannotRun(`${pods} did not leave within ${timeoutMs / 1000} s`);
      told = leaving;
    }
  }

  #isLeaving({ metadata }: Pod): boolean {
    const { revision } = this.#settings;
    const ofPod = metadata.labels?.['serving.knative.dev/revision'];
    return (
      metadata.deletionTimestamp !== undefined ||
      (revision !== null && ofPod !== undefined && ofPod !== revision)
    );
  }

  async #killWorkers(keepHeld: () => Promise<void>): Promise<number> {
    const addresses = await this.#addresses(keepHeld);
    if (addresses.length === 0) return 0;
    const forced = ['--grace-period=0', '--force'];
    await this.#kubectl('delete', 'pod', '--selector', this.#settings.podSelector, ...forced);
    const deadline = Date.now() + this.#options.timeoutMs;
    // Redis drops the commands that it held back for them when it notices that their connections are closed.
    while ((await this.#redis.call('CLIENT', 'LIST')).some((client) => isFrom(client, addresses))) {
      if (Date.now() > deadline) throw new CannotRun('the killed pods are still connected to Redis');
      await keepHeld();
      await sleep(LOOK_EVERY_MS);
    }
    return addresses.length;
  }

  /** Returns the addresses of the workers. A worker that has just started may have none yet. */
  async #addresses(keepHeld: () => Promise<void>): Promise<string[]> {
    const deadline = Date.now() + ADDRESS_MS;
    for (;;) {
      const addresses = (await this.#pods()).flatMap(({ status }) => status?.podIP ?? []);
      if (addresses.length > 0 || Date.now() > deadline) return addresses;
      await keepHeld();
      await sleep(LOOK_EVERY_MS);
    }
  }
}

function isFrom(client: string, addresses: string[]): boolean {
  return addresses.some(
    (address) => client.includes(` addr=${address}:`) || client.includes(` addr=[${address}]:`),
  );
}
