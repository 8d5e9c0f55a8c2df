import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readVersions } from '../manifests/image-file.ts';
import { root } from '../manifests/overlays.ts';
import { openShell, present, type Rule, type Shell } from './shell.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell(['kubectl', 'kind', 'docker', 'curl']);
});
afterAll(() => shell.clean());

/** Returns what was deleted, call by call. */
const deletions = (calls: string[]): string[] =>
  calls.flatMap((call) => /delete (\S+)/.exec(call)?.[1] ?? []);

describe('clean.sh', () => {
  const everything: Rule[] = [
    ...present('namespace tessera'),
    { call: 'get customresourcedefinition', stdout: 'customresourcedefinition/x' },
    { call: 'get namespace tessera .*labels', stdout: 'tessera' },
  ];

  it('removes what runs, sources before the resources made from them, and keeps volumes, Secrets and namespace', async () => {
    const { code, stdout, calls } = await shell.run('clean.sh', [], everything);
    expect(deletions(calls)).toEqual([
      'triggers.eventing.knative.dev',
      'brokers.eventing.knative.dev',
      'services.serving.knative.dev',
      'scaledobjects.keda.sh',
      'triggerauthentications.keda.sh',
      'podmonitors.monitoring.coreos.com',
      'prometheusrules.monitoring.coreos.com',
      'deployments,statefulsets,jobs,pods,services,configmaps,networkpolicies,serviceaccounts',
    ]);
    const selected = calls.filter((call) => call.includes(' delete '));
    expect(selected.every((call) => call.includes('--selector app.kubernetes.io/part-of=tessera'))).toBe(
      true,
    );
    expect(stdout).toContain('volumes, Secrets and the namespace tessera stay');
    expect(code).toBe(0);
  });

  it('removes those too with --all', async () => {
    const { code, calls } = await shell.run('clean.sh', ['--all'], everything);
    expect(deletions(calls).slice(-3)).toEqual(['persistentvolumeclaims', 'secret', 'namespace']);
    expect(calls.at(-1)).toBe('kubectl delete namespace tessera --ignore-not-found --timeout=300s');
    expect(code).toBe(0);
  });

  it("leaves a namespace that is not Tessera's", async () => {
    const rules = everything.filter((each) => !each.call.includes('labels'));
    const { stdout, calls } = await shell.run('clean.sh', ['--all'], rules);
    expect(deletions(calls)).not.toContain('namespace');
    expect(stdout).toContain('the namespace itself stays, because Tessera did not make it');
  });

  it('queries only resource types that the cluster has', async () => {
    const { code, calls } = await shell.run('clean.sh', [], present('namespace tessera'));
    expect(deletions(calls)).toHaveLength(1);
    expect(code).toBe(0);
  });

  it('has nothing to do the second time', async () => {
    const { code, stdout, calls } = await shell.run('clean.sh', ['--all']);
    expect(stdout).toBe('removed: nothing, there is no namespace tessera\n');
    expect(deletions(calls)).toEqual([]);
    expect(code).toBe(0);
  });

  describe('for an account that may not look at the whole cluster', () => {
    const refused = (call: string): Rule => ({
      call,
      stderr: 'Error from server (Forbidden): customresourcedefinitions is forbidden',
      exit: 1,
    });
    const served: Rule = {
      call: 'api-resources --api-group=serving.knative.dev',
      stdout: 'revisions.serving.knative.dev\nservices.serving.knative.dev\n',
    };
    const restricted = [refused('get namespace'), refused('get customresourcedefinition'), served];

    it('removes the types that the cluster serves, and says that it does not look at namespaces', async () => {
      const { code, stdout, stderr, calls } = await shell.run('clean.sh', [], restricted);
      expect(deletions(calls)).toEqual([
        'services.serving.knative.dev',
        'deployments,statefulsets,jobs,pods,services,configmaps,networkpolicies,serviceaccounts',
      ]);
      expect(stdout).toContain('note: this account may not look at namespaces');
      expect(stderr).toBe('');
      expect(code).toBe(0);
    });

    it('leaves the namespace with --all, because it cannot see who made it', async () => {
      const { code, stdout, calls } = await shell.run('clean.sh', ['--all'], restricted);
      expect(deletions(calls)).not.toContain('namespace');
      expect(stdout).toContain('stays, because this account may not see who made it');
      expect(code).toBe(0);
    });
  });

  it('stops if something cannot be removed', async () => {
    const rules = [{ call: 'delete services.serving', exit: 1 }, ...everything];
    const { code, stderr, calls } = await shell.run('clean.sh', ['--all'], rules);
    expect(stderr).toContain('not all of services.serving.knative.dev');
    expect(deletions(calls).at(-1)).toBe('services.serving.knative.dev');
    expect(code).toBe(2);
  });
});

describe('cluster.sh', () => {
  const kind: Rule[] = [{ call: '^kind version', stdout: 'kind v0.33.0 go1.26 linux/amd64' }];
  const running: Rule[] = [{ call: '^kind get clusters', stdout: 'tessera\n' }, ...kind];

  it.each([
    ['up', 'kind create', 'the cluster tessera could not be made'],
    ['down', 'kind delete', 'the cluster tessera could not be removed'],
    ['images', 'docker build', 'dev.local/tessera-split could not be built'],
    ['images', 'kind load', 'dev.local/tessera-split could not be loaded into tessera'],
  ])('ends %s with exit code 2 if this fails: %s', async (command, call, said) => {
    const rules = command === 'up' ? kind : running;
    const { code, stderr } = await shell.run('cluster.sh', [command], [{ call, exit: 1 }, ...rules]);
    expect(stderr).toBe(`error: ${said}\n`);
    expect(code).toBe(2);
  });

  it('makes the cluster and installs every part at its pinned version', async () => {
    const { code, calls, sent, stdout } = await shell.run(
      'cluster.sh',
      ['up', '--port', '9000', '--eventing'],
      kind,
    );
    const all = calls.join('\n');
    expect(calls[2]).toMatch(/^kind create cluster --name tessera --image kindest\/node:v[\d.]+@sha256:/);
    expect(sent).toContain('hostPort: 9000');
    for (const part of [
      'knative-v1.22.1/serving-crds.yaml',
      'knative-v1.22.1/serving-core.yaml',
      'net-kourier/releases/download/knative-v1.22.1/kourier.yaml',
      'keda/releases/download/v2.20.2/keda-2.20.2.yaml',
      'autoscaler-keda/releases/download/knative-v1.22.0/autoscaler-keda.yaml',
      'eventing/releases/download/knative-v1.22.2/mt-channel-broker.yaml',
    ]) {
      expect(all).toContain(part);
    }
    expect(all).not.toContain('serving-hpa');
    const applied = calls.filter((call) => /kubectl .* apply .*--filename/.test(call));
    expect(applied).toHaveLength(calls.filter((call) => /^curl .*--output/.test(call)).length);
    // No command may use kubectl's default cluster.
    const strays = calls.filter((call) => call.startsWith('kubectl') && !call.includes('kind-tessera'));
    expect(strays).toEqual([]);
    expect(stdout).toContain('ready: cluster tessera');
    expect(code).toBe(0);
  });

  it('builds an image for each function and loads it, under the names that the manifests and deploy.sh use', async () => {
    const { TESSERA_TAG: version } = await readVersions();
    const { code, calls, stdout } = await shell.run('cluster.sh', ['images'], running);
    const content = /loaded: split, blur and assemble (\S+) into tessera/.exec(stdout)?.[1];
    expect(content).toMatch(/-[0-9a-f]{12}$/);
    for (const name of ['split', 'blur', 'assemble']) {
      const image = `dev.local/tessera-${name}`;
      expect(calls).toContain(
        `kind load docker-image ${image}:${version} ${image}:${content} --name tessera`,
      );
      expect(
        calls.some((call) =>
          call.includes(`--build-arg FUNCTION=${name} --tag ${image}:${version} --tag ${image}:${content} `),
        ),
      ).toBe(true);
    }
    expect(code).toBe(0);
  });

  it('does not make a cluster that exists', async () => {
    const { code, calls } = await shell.run('cluster.sh', [], running);
    expect(calls.some((call) => call.startsWith('kind create'))).toBe(false);
    expect(code).toBe(0);
  });

  it('stops at the first part that fails', async () => {
    const { code, calls } = await shell.run(
      'cluster.sh',
      [],
      [{ call: 'serving-core', exit: 1 }, ...running],
    );
    expect(calls.at(-1)).toContain('serving-core.yaml');
    expect(code).toBe(2);
  });

  it('installs nothing with a wrong checksum', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'tessera-cluster-'));
    await cp(join(root, 'scripts'), join(copy, 'scripts'), { recursive: true });
    const script = relative(join(root, 'scripts'), join(copy, 'scripts/cluster.sh'));
    const file = join(copy, 'scripts/checksums.txt');
    const written = await shell.run(script, ['checksums'], kind);
    expect({ code: written.code, stderr: written.stderr }).toEqual({ code: 0, stderr: '' });
    const text = await readFile(file, 'utf8');
    expect(text.split('\n').filter((line) => /^[0-9a-f]{64} {2}https:\/\//.test(line))).toHaveLength(9);
    expect(text).toContain(await readFile(join(root, 'scripts/checksums.txt'), 'utf8'));

    const checked = ['up', '--eventing'];
    expect((await shell.run(script, checked, running)).stdout).not.toContain('no checksum');
    await writeFile(file, text.replace(/^.{64}(?= {2}.*kourier\.yaml)/m, '0'.repeat(64)));
    const { code, stderr, calls } = await shell.run(script, checked, running);
    expect(stderr).toMatch(
      /kourier\.yaml has the checksum [0-9a-f]{64}, not 0{64} as scripts\/checksums\.txt says\n/,
    );
    expect(calls.at(-1)).toMatch(/^curl .*kourier\.yaml$/);
    expect(code).toBe(2);
    await rm(copy, { recursive: true });
  });

  describe('with a file that has no checksum in checksums.txt', () => {
    /** What the stand-in for curl downloads. */
    const downloaded = createHash('sha256').update('downloaded\n').digest('hex');
    const released = (digest: string | null, name = 'serving-crds.yaml'): Rule => ({
      call: '^curl .*https://api\\.github\\.com/repos/knative/serving/releases/tags/knative-v1\\.22\\.1$',
      stdout: JSON.stringify({
        assets: [
          { name: 'other.yaml', digest: 'sha256:0' },
          { name, digest },
        ],
      }),
    });
    const noted =
      'note: neither scripts/checksums.txt nor GitHub has a checksum for https://github.com/knative/';
    const up = (...rules: Rule[]) => shell.run('cluster.sh', ['up'], [...rules, ...running]);

    it('installs it if GitHub has the same checksum', async () => {
      const { code, stdout } = await up(released(`sha256:${downloaded}`));
      expect(stdout).not.toContain(`${noted}serving/releases/download/knative-v1.22.1/serving-crds.yaml`);
      expect(code).toBe(0);
    });

    it('installs nothing if GitHub has another checksum', async () => {
      const other = '0'.repeat(64);
      const { code, stderr, calls } = await up(released(`sha256:${other}`));
      expect(stderr).toMatch(
        new RegExp(
          `^error: https://github\\.com/.*/serving-crds\\.yaml has the checksum ${downloaded}, not ${other} as GitHub says\n$`,
        ),
      );
      expect(calls.some((call) => call.includes(' apply '))).toBe(false);
      expect(code).toBe(2);
    });

    it.each<[string, Rule]>([
      ['has none', released(null)],
      ['does not know it', released('sha256:0', 'unknown.yaml')],
      ['cannot be asked', { call: '^curl .*api\\.github\\.com', exit: 22 }],
    ])('says so and installs it if GitHub %s', async (_why, rule) => {
      const { code, stdout } = await up(rule);
      expect(stdout).toContain(`${noted}serving/releases/download/knative-v1.22.1/serving-crds.yaml\n`);
      expect(code).toBe(0);
    });

    it('asks once for all files of a release', async () => {
      const { calls } = await up(released(null));
      const asked = calls.filter((call) => call.includes('api.github.com/repos/knative/serving/'));
      expect(asked).toHaveLength(1);
    });

    it('writes no checksum that GitHub does not have', async () => {
      const rules = [released(`sha256:${'0'.repeat(64)}`), ...running];
      const { code, stderr } = await shell.run('cluster.sh', ['checksums'], rules);
      expect(stderr).toContain('as GitHub says');
      expect(code).toBe(2);
    });
  });

  it('loads no images if there is no cluster', async () => {
    const { code, stderr } = await shell.run('cluster.sh', ['images'], kind);
    expect(stderr).toContain('there is no cluster tessera');
    expect(code).toBe(2);
  });

  it('removes it', async () => {
    const { code, calls } = await shell.run('cluster.sh', ['down', '--name', 'mine'], running);
    expect(calls).toEqual(['kind delete cluster --name mine']);
    expect(code).toBe(0);
  });
});
