// Calls kubectl, never through a shell.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** kubectl is not there, or refused; the message is its own words. */
export class KubectlError extends Error {}

/** Runs kubectl with these arguments and returns what it prints. Throws a {@link KubectlError}. */
export type Kubectl = (...args: string[]) => Promise<string>;

/** The arguments that run redis-cli in Redis's own pod, where its password, if it has one, is at hand. */
export const redisCliInPod = ['statefulset/redis', '--container', 'redis', '--', 'redis-cli'];

const KLOG_LINE = /^[EWIF]\d{4} .*\n?/gm;

export function kubectlIn(namespace: string, timeoutMs = 20_000): Kubectl {
  return async (...args) => {
    const options = { timeout: timeoutMs, maxBuffer: 1 << 26 };
    try {
      const { stdout } = await promisify(execFile)('kubectl', ['--namespace', namespace, ...args], options);
      return stdout.trim();
    } catch (cause) {
      const { code, stderr, message } = cause as { code?: unknown; stderr?: string; message: string };
      if (code === 'ENOENT') throw new KubectlError('not installed: kubectl', { cause });
      // Its own words, not the long command line that an exec error begins with.
      throw new KubectlError(stderr?.replaceAll(KLOG_LINE, '').trim() || message, { cause });
    }
  };
}
