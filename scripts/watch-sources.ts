// Where scripts/watch.ts gets its numbers: from a Redis that it can reach (a local run), or from a cluster
// through kubectl.
import { countsOf, countsScript, readCounts, type QueueCounts } from '../functions/lib/queue/counts.ts';
import { kubectlIn, needNamespace, redisCliInPod } from './lib/kubectl.ts';

/** `desired` is what the scaler requested, `ready` what serves. */
interface Pods {
  splitReady: number;
  blurDesired: number;
  blurReady: number;
  assembleDesired: number;
  assembleReady: number;
}

/** One sample: the queues, the newest images by state, and the pods. */
export type Sample = QueueCounts & Pods;

/** At most this many of the newest images are counted. */
const IMAGES = 1000;

/** Returns one sample. Rejects if it is not available now. */
export type Look = () => Promise<Sample>;

/** The hash in which a local run stores how many processes it wants and has. */
const localPods = 'tessera:local';

/** Something to watch. */
export interface Source {
  look: Look;
  /** Closes its connections. */
  close: () => void;
}

/** Watches a local run through its Redis. */
export async function lookLocally(url: string, keyPrefix: string): Promise<Source> {
  // Loaded here, so that watching a cluster needs no installed packages.
  const { Redis } = await import('ioredis');
  const redis = new Redis(url, {
    maxRetriesPerRequest: 0,
    commandTimeout: 2000,
    disableClientInfo: true,
  });
  // The reason of a connection fault is in this event, not in the command's rejection.
  let fault: Error | undefined;
  redis.on('error', (error) => (fault = error));
  const read = async (): Promise<Sample> => {
    const counts = await readCounts(redis, keyPrefix, IMAGES);
    const pods = await redis.hgetall(localPods);
    const count = (field: string): number => Number(pods[field] ?? 0);
    return {
      ...counts,
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

/** Watches kubectl's current cluster. Rejects if it has no such namespace. */
export async function lookAtCluster(namespace: string, keyPrefix: string): Promise<Source> {
  const kubectl = kubectlIn(namespace);
  await needNamespace(kubectl, namespace);
  const look: Look = async () => {
    const [counts, deployments] = await Promise.all([
      kubectl('exec', ...redisCliInPod, 'EVAL', countsScript, '1', keyPrefix, String(IMAGES)),
      kubectl('get', 'deployments', '--output', 'json'),
    ]);
    return { ...countsOf(counts.split('\n')), ...podsOf(deployments) };
  };
  return { look, close: () => {} };
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
