// Where scripts/watch.ts gets its numbers from: a Redis it can reach itself (a local run), or a cluster by kubectl.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** One look. Pods: `desired` is what the scaler asked for, `ready` what serves. */
export interface Sample {
  /** Jobs ready to claim, claimed, waiting for a retry, given up. */
  queue: number;
  leases: number;
  delayed: number;
  dead: number;
  /** Events not yet taken by assemble. */
  outbox: number;
  /** Images known, and those of them that are done. */
  images: number;
  done: number;
  splitReady: number;
  blurDesired: number;
  blurReady: number;
  assembleDesired: number;
  assembleReady: number;
}

/** redis-cli in Redis's own pod, where its password, if it has one, is at hand. */
const redisCli = ['exec', 'statefulset/redis', '--container', 'redis', '--', 'redis-cli'];

/** Takes one look. Rejects when it cannot be had now. */
export type Look = () => Promise<Sample>;

type Counts = Pick<Sample, 'queue' | 'leases' | 'delayed' | 'dead' | 'outbox' | 'images' | 'done'>;
type Pods = Omit<Sample, keyof Counts>;

const countScript = new URL('lib/queue-counts.lua', import.meta.url);
/** The hash in which a local run tells how many processes it wants and has. */
const localPods = 'tessera:local';

/** Looks at a local run's Redis. `close` ends the connection. */
export async function lookLocally(
  url: string,
  keyPrefix: string,
): Promise<{ look: Look; close: () => void }> {
  // Loaded here, so that watching a cluster needs no installed packages.
  const { Redis } = await import('ioredis');
  const redis = new Redis(url, {
    maxRetriesPerRequest: 0,
    commandTimeout: 2000,
    disableClientInfo: true,
  });
  // Why a look fails is said here, not in the command's own rejection.
  let fault: Error | undefined;
  redis.on('error', (error) => (fault = error));
  const script = await readFile(countScript, 'utf8');
  const read = async (): Promise<Sample> => {
    const counts = (await redis.eval(script, 1, keyPrefix)) as (string | number)[];
    const pods = await redis.hgetall(localPods);
    const count = (field: string): number => Number(pods[field] ?? 0);
    return {
      ...countsOf(counts.map(String)),
      splitReady: count('splitReady'),
      blurDesired: count('blurDesired'),
      blurReady: count('blurReady'),
      assembleDesired: Number(pods.assembleDesired ?? pods.assembleReady ?? 0),
      assembleReady: count('assembleReady'),
    };
  };
  const look = (): Promise<Sample> =>
    read().catch((error: unknown) => {
      throw fault ?? error;
    });
  return { look, close: () => redis.disconnect() };
}

/** Looks at the cluster kubectl points at. */
export async function lookAtCluster(namespace: string, keyPrefix: string): Promise<Look> {
  const script = await readFile(countScript, 'utf8');
  const kubectl = async (...args: string[]): Promise<string> => {
    const options = { timeout: 20_000, maxBuffer: 1 << 26 };
    try {
      const { stdout } = await promisify(execFile)('kubectl', ['--namespace', namespace, ...args], options);
      return stdout;
    } catch (cause) {
      // Its own words, not the long command line that an exec error begins with.
      const { stderr } = cause as { stderr?: string };
      throw stderr ? new Error(stderr.trim(), { cause }) : cause;
    }
  };
  return async () => {
    const [counts, deployments] = await Promise.all([
      kubectl(...redisCli, 'EVAL', script, '1', keyPrefix),
      kubectl('get', 'deployments', '--output', 'json'),
    ]);
    return { ...countsOf(counts.trim().split('\n')), ...podsOf(deployments) };
  };
}

/** The script's answer, name and count in turn. Throws at an answer of another kind, such as an error of redis-cli's. */
function countsOf(answer: string[]): Counts {
  const counts: Record<string, number> = {};
  for (let i = 0; i + 1 < answer.length; i += 2) counts[answer[i]] = Number(answer[i + 1]);
  const { queue, leases, delayed, dead, outbox, images, done } = counts;
  const all = { queue, leases, delayed, dead, outbox, images, done };
  if (!Object.values(all).every(Number.isInteger)) throw new Error(`Redis answered: ${answer.join(' ')}`);
  return all;
}

interface Deployment {
  metadata: { labels?: Record<string, string> };
  spec: { replicas?: number };
  status: { readyReplicas?: number };
}

/** A function's pods, its revisions and the fallback's Deployment together. */
function podsOf(json: string): Pods {
  const { items } = JSON.parse(json) as { items: Deployment[] };
  const of = (name: string): Deployment[] =>
    items.filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/name'] === name);
  const ready = (name: string): number =>
    of(name).reduce((sum, { status }) => sum + (status.readyReplicas ?? 0), 0);
  const desired = (name: string): number => of(name).reduce((sum, { spec }) => sum + (spec.replicas ?? 0), 0);
  return {
    splitReady: ready('split'),
    blurDesired: desired('blur'),
    blurReady: ready('blur'),
    assembleDesired: desired('assemble'),
    assembleReady: ready('assemble'),
  };
}
