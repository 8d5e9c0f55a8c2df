// OpenCV in a Python process, bench/opencv_blur.py. Says so if there is none.
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** The Python commands to try. Debian's python3-opencv works with Debian's own Python. */
const PYTHONS = ['python3', '/usr/bin/python3'];
const SCRIPT = fileURLToPath(new URL('../opencv_blur.py', import.meta.url));

export interface OpenCv {
  version: string;
  ask(request: Record<string, unknown>): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

/** Starts OpenCV, or returns null if no Python has it. */
export async function startOpenCv(): Promise<OpenCv | null> {
  for (const python of PYTHONS) {
    const openCv = await startWith(python);
    if (openCv !== null) return openCv;
  }
  return null;
}

async function startWith(python: string): Promise<OpenCv | null> {
  const child = spawn(python, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
  const started = await Promise.race([
    once(child, 'spawn').then(() => true),
    once(child, 'error').then(() => false),
  ]);
  if (!started) return null;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Record<string, unknown>> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`${python} ${SCRIPT} ended`);
    return JSON.parse(line.value) as Record<string, unknown>;
  };
  const { version } = await next();
  if (typeof version !== 'string') {
    await end(child);
    return null;
  }
  return {
    version,
    ask: async (request) => {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return next();
    },
    close: async () => end(child),
  };
}

async function end(child: ChildProcessByStdio<Writable, Readable, null>): Promise<void> {
  child.stdin.end();
  if (child.exitCode === null) await once(child, 'exit');
}
