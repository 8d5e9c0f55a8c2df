// The lines of code in the manifest of dead-events, run as the pod runs them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePort } from '../../local/free-port.ts';
import { root } from './overlays.ts';
import { render } from './render.ts';
import { functionTemplate } from './shapes.ts';

let child: ReturnType<typeof spawn>;
let url: string;

beforeEach(async () => {
  const manifests = await render(join(root, 'overlays/broker'));
  const { command = [], args = [] } = functionTemplate(manifests, 'dead-events').spec.containers[0];
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  child = spawn(process.execPath, [...command.slice(1), ...args], {
    env: { PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
});

afterEach(async () => {
  child.kill('SIGTERM');
  await once(child, 'exit');
});

it('logs a refused event with the fields of the other logs', async () => {
  const headers = { 'ce-id': 'i1', 'ce-knativeerrorcode': '422' };
  const logged = once(createInterface({ input: child.stdout! }), 'line');
  const post = (): Promise<Response> => fetch(url, { method: 'POST', headers, body: '{}' });
  await expect
    .poll(
      () =>
        post().then(
          (response) => response.status,
          () => 'not up',
        ),
      { timeout: 10_000 },
    )
    .toBe(204);
  const [line] = (await logged) as [string];
  expect(JSON.parse(line)).toEqual({
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    severity: 'WARNING',
    component: 'dead-events',
    message: 'event refused for good',
    id: 'i1',
    knativeerrorcode: '422',
  });
});
