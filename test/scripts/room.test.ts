// Whether deploy.sh notices that the nodes have no room for what it applies.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderVariant, root, variants } from '../manifests/overlays.ts';
import { workloadsOf } from '../manifests/shapes.ts';
import { nodes, podsOnNodes, readyCluster } from './cluster-states.ts';
import { openShell, type Rule, type Shell } from './shell.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell(['kubectl']);
});
afterAll(() => shell.clean());

/** The requests of Knative, Kourier and KEDA. */
const platform = { cpu: '1330m', memory: '1160Mi' };
const smallNode = { cpu: '2', memory: '6Gi' };

async function remarks(rules: Rule[], args: string[] = []): Promise<string[]> {
  const { code, stdout } = await shell.run('deploy.sh', args, [...rules, ...readyCluster]);
  expect(code).toBe(0);
  return stdout.split('\n').filter((line) => /^note: .*room/.test(line));
}

describe('deploy.sh before it applies', () => {
  it('prints nothing if everything fits: on the smallest node of docs/DEPLOY.md', async () => {
    expect(await remarks([nodes(smallNode), podsOnNodes([platform])])).toEqual([]);
  });

  it('says which pod would find no node, and what the best node has left', async () => {
    const taken = [platform, { cpu: '400m', memory: '1Gi' }];
    expect(await remarks([nodes(smallNode), podsOnNodes(taken)])).toEqual([
      'note: no node has room for split, which asks for 50m CPU and 256 MiB: the one with most memory left has 20m and 888 MiB (docs/DEPLOY.md, "Minimum size")',
    ]);
  });

  it('counts the CPU that Redis will get', async () => {
    const [remark] = await remarks([nodes(smallNode), podsOnNodes([platform])], ['--redis-cpu', '1']);
    expect(remark).toContain('no node has room for redis, which asks for 1000m CPU');
    expect(await remarks([nodes(smallNode), podsOnNodes([platform])], ['--redis-cpu', '200m'])).toEqual([]);
  });

  it('says how many blur pods there is room for', async () => {
    const taken = [platform, { cpu: '100m', memory: '300Mi' }];
    const [remark] = await remarks([nodes(smallNode), podsOnNodes(taken)]);
    expect(remark).toContain('the nodes have room for 2 of 4 blur pods');
    expect(await remarks([nodes(smallNode), podsOnNodes(taken)], ['--max', '2'])).toEqual([]);
  });

  it.each([
    ['of the deployment that it replaces', { namespace: 'tessera' }],
    ['that have ended', { phase: 'Succeeded' }],
    ['of other nodes', { node: 1 }],
  ])('does not count pods %s', async (_name, where) => {
    const taken = [platform, { cpu: '2', memory: '6Gi', ...where }];
    expect(await remarks([nodes(smallNode), podsOnNodes(taken)])).toEqual([]);
  });

  it('uses the room of several nodes', async () => {
    const halves = nodes({ cpu: '300m', memory: '3500Mi' }, { cpu: '400000000n', memory: '2097152Ki' });
    expect(await remarks([halves, podsOnNodes([])])).toEqual([]);
  });

  it('ignores nodes that accept no pods', async () => {
    const closed = JSON.parse(nodes(smallNode).stdout ?? '') as { items: { spec: object }[] };
    closed.items[0].spec = { taints: [{ key: 'dedicated', effect: 'NoSchedule' }] };
    const [remark] = await remarks([{ ...nodes(smallNode), stdout: JSON.stringify(closed) }]);
    expect(remark).toContain('no node has room for redis');
  });

  it('does not ask for room for a Redis elsewhere', async () => {
    const rules = [
      nodes({ cpu: '1', memory: '2Gi' }),
      podsOnNodes([]),
      { call: 'get secret (redis-auth|tessera-redis) ', stdout: 'secret/x' },
    ];
    expect(await remarks(rules, ['--with', 'redis-external'])).toEqual([]);
  });

  it.each(['nodes', 'pods --all-namespaces'])(
    'says that it could not look when it may not list %s',
    async (what) => {
      const forbidden = { call: `get ${what} --output json`, stderr: 'forbidden', exit: 1 };
      expect(await remarks([forbidden])).toEqual([
        'note: whether the nodes have room was not checked: nodes or pods may not be listed',
      ]);
    },
  );
});

/** The requests of Knative's own container in a pod, by config-deployment's default. */
const SIDECAR_MILLICORES = 25;

it('uses the requests of the manifests', async () => {
  const known = JSON.parse(await readFile(join(root, 'scripts/lib/pod-requests.json'), 'utf8')) as object[];
  const manifests = await renderVariant(variants.find(({ name }) => name === 'default') ?? variants[0]);
  const asked = workloadsOf(manifests).map(({ manifest, template }) => {
    const { cpu, memory } = template.spec.containers[0].resources?.requests ?? {};
    const sidecar = manifest.apiVersion.startsWith('serving.') ? SIDECAR_MILLICORES : 0;
    const mebibytes = Number.parseInt(memory ?? '', 10) * (memory?.endsWith('Gi') ? 1024 : 1);
    return { name: manifest.metadata.name, cpu: Number.parseInt(cpu ?? '', 10) + sidecar, memory: mebibytes };
  });
  expect(known).toHaveLength(4);
  expect(known).toEqual(expect.arrayContaining(asked));
});
