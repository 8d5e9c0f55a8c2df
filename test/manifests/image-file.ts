// Reads the Dockerfile and scripts/versions.env, so that the tests do the same as the image's build.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './overlays.ts';

export interface Instruction {
  name: string;
  text: string;
}

/** A stage: everything from one FROM to the next. */
export interface Stage {
  from: string;
  /** Its name after AS; empty for the last one. */
  name: string;
  instructions: Instruction[];
}

/**
 * Returns the Dockerfile's stages in order, and the ARGs before the first one. Line continuations are not
 * supported.
 */
export async function readDockerfile(): Promise<{ args: Record<string, string>; stages: Stage[] }> {
  const text = await readFile(join(root, 'Dockerfile'), 'utf8');
  const args: Record<string, string> = {};
  const stages: Stage[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    if (line.endsWith('\\')) throw new Error(`a continued line: ${line}`);
    const [, name, rest] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`not an instruction: ${line}`);
    const stage = stages.at(-1);
    if (name === 'FROM') {
      const [from, , alias = ''] = rest.replace('--platform=$BUILDPLATFORM ', '').split(' ');
      stages.push({ from, name: alias, instructions: [] });
    } else if (stage === undefined) {
      args[rest.split('=')[0]] = rest.slice(rest.indexOf('=') + 1);
    } else {
      stage.instructions.push({ name, text: rest });
    }
  }
  return { args, stages };
}

/** Returns the values of scripts/versions.env. */
export async function readVersions(): Promise<Record<string, string>> {
  const text = await readFile(join(root, 'scripts/versions.env'), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}
