// Calls kubectl, never through a shell.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** kubectl is missing, or failed; the message is its own. */
export class KubectlError extends Error {}

/** Runs kubectl with these arguments and returns what it prints. Throws a {@link KubectlError}. */
export type Kubectl = (...args: string[]) => Promise<string>;

/** The arguments that run redis-cli in Redis's own pod, where its password, if any, is set. */
export const redisCliInPod = ['statefulset/redis', '--container', 'redis', '--', 'redis-cli'];

const KLOG_LINE = /^[EWIF]\d{4} .*\n?/gm;

/** Returns kubectl's message without the lines of its internal log. */
export const withoutLog = (said: string): string => said.replaceAll(KLOG_LINE, '').trim();

export function kubectlIn(namespace: string, timeoutMs = 20_000): Kubectl {
  return async (...args) => {
    const options = { timeout: timeoutMs, maxBuffer: 1 << 26 };
    try {
      const { stdout } = await promisify(execFile)('kubectl', ['--namespace', namespace, ...args], options);
      return stdout.trim();
    } catch (cause) {
      const { code, stderr, message } = cause as { code?: unknown; stderr?: string; message: string };
      if (code === 'ENOENT') throw new KubectlError('not installed: kubectl', { cause });
      // Its own message, without the long command line that an exec error begins with.
      throw new KubectlError(withoutLog(stderr ?? '') || message, { cause });
    }
  };
}

/** Throws a {@link KubectlError} if the cluster has no such namespace. If we may not look, we assume that it exists. */
export async function needNamespace(kubectl: Kubectl, namespace: string): Promise<void> {
  const found = await kubectl('get', 'namespace', namespace, '--ignore-not-found', '--output', 'name').catch(
    (error: unknown) => {
      if (error instanceof KubectlError && error.message.includes('(Forbidden)')) return namespace;
      throw error;
    },
  );
  if (!found) throw new KubectlError(`the cluster has no namespace ${namespace}: scripts/deploy.sh makes it`);
}
