// How the images are named, built and pushed, and that deploy.sh uses the same names.
import { execFile } from 'node:child_process';
import { appendFile, cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readVersions } from '../manifests/image-file.ts';
import { root } from '../manifests/overlays.ts';
import { openShell, type Shell } from './shell.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

let folder: string;
let tag: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-images-'));
  for (const path of ['Dockerfile', 'package.json', 'package-lock.json', '.npmrc', 'scripts', 'functions']) {
    await cp(join(root, path), join(folder, path), { recursive: true });
  }
  await cp(join(root, 'docs/openapi.yaml'), join(folder, 'docs/openapi.yaml'));
  tag = await contentTag(folder);
});
afterAll(() => rm(folder, { recursive: true }));

async function contentTag(cwd: string): Promise<string> {
  const command = 'source scripts/lib/common.sh; source scripts/lib/images.sh; content_tag';
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', command], { cwd });
  return stdout.trim();
}

describe("an image's tag", () => {
  it('is the version and a checksum, the same wherever the sources are', async () => {
    const { TESSERA_TAG } = await readVersions();
    expect(tag).toMatch(new RegExp(`^${TESSERA_TAG.replaceAll('.', '\\.')}-[0-9a-f]{12}$`));
    expect(await contentTag(root)).toBe(tag);
  });

  it('changes with everything that goes into the build, and with nothing else', async () => {
    const lines = (await readFile(join(root, '.dockerignore'), 'utf8')).split('\n');
    const given = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    const within = ['functions/lib/queue/claim.lua', 'functions/blur/main.ts'];
    let before = tag;
    for (const path of [...given.filter((each) => each !== 'functions'), ...within, 'Dockerfile']) {
      await appendFile(join(folder, path), '\n');
      const after = await contentTag(folder);
      expect({ path, isNew: after !== before }).toEqual({ path, isNew: true });
      before = after;
    }
    expect(lines).toEqual(expect.arrayContaining(['functions/**/*.test.ts', 'functions/testing']));
    for (const path of ['functions/blur/jimp.test.ts', 'functions/testing/random.ts', 'scripts/run.sh']) {
      await appendFile(join(folder, path), '\n');
    }
    expect(await contentTag(folder)).toBe(before);
  });
});

describe('images.sh', () => {
  let docker: Shell;
  let podman: Shell;
  beforeAll(async () => {
    docker = await openShell(['docker', 'podman', 'kubectl']);
    podman = await openShell(['podman']);
  });
  afterAll(() => Promise.all([docker.clean(), podman.clean()]));

  it('builds with docker, pushes, and writes the digests that deploy.sh then deploys', async () => {
    const digests = join(folder, 'digests');
    const args = [
      '--registry',
      'ghcr.io/acme',
      '--platform',
      'linux/amd64,linux/arm64',
      '--digests',
      digests,
    ];
    const { code, stdout, calls } = await docker.run('images.sh', args);
    const { NODE_IMAGE } = await readVersions();
    const image = `ghcr.io/acme/tessera-split:${await contentTag(root)}`;
    expect(calls).toHaveLength(3);
    expect(calls[0].replace(/COMMIT=([0-9a-f]{40}|unknown) /, 'COMMIT=ID ')).toMatch(
      `docker buildx build --build-arg NODE_IMAGE=${NODE_IMAGE} --build-arg COMMIT=ID --build-arg FUNCTION=split --platform linux/amd64,linux/arm64 --tag ${image} --push`,
    );
    expect(stdout).toContain(`${image}@${digest}\n`);
    expect(stdout).toContain(`pushed: now scripts/deploy.sh --registry ghcr.io/acme --digests ${digests}\n`);
    expect(await readFile(digests, 'utf8')).toBe(`split ${digest}\nblur ${digest}\nassemble ${digest}\n`);
    expect(code).toBe(0);
  });

  it('makes one manifest list of all platforms with podman', async () => {
    const { code, stdout, calls } = await podman.run('images.sh', ['--registry', 'ghcr.io/acme']);
    const image = `ghcr.io/acme/tessera-split:${await contentTag(root)}`;
    expect(calls.slice(0, 3).map((call) => call.replace(/--digestfile \S+/, '--digestfile FILE'))).toEqual([
      `podman manifest rm ${image}`,
      expect.stringMatching(`^podman build .*--build-arg FUNCTION=split --manifest ${image} `),
      `podman manifest push --all --digestfile FILE ${image} docker://${image}`,
    ]);
    expect(stdout).toContain(`${image}@${digest}\n`);
    expect(code).toBe(0);
  });

  it.each([
    ['docker', 'buildx build', 1, 'could not be built and pushed'],
    ['podman', ' build ', 2, 'could not be built'],
    ['podman', 'manifest push', 3, 'could not be pushed'],
  ])('stops with %s at the first image for which this fails: %s', async (tool, call, count, said) => {
    const shell = tool === 'docker' ? docker : podman;
    const outcome = await shell.run('images.sh', ['--registry', 'ghcr.io/acme'], [{ call, exit: 1 }]);
    expect(outcome.calls).toHaveLength(count);
    expect(outcome.stderr).toMatch(`error: ghcr.io/acme/tessera-split:${await contentTag(root)} ${said}\n`);
    expect(outcome.stdout).not.toContain('pushed');
    expect(outcome.code).toBe(2);
  });

  it.each([
    [[], '--registry is missing'],
    [['--registry', 'a b'], "not an image's name"],
    [['--registry', 'x', '--tool', 'kaniko'], '--tool is docker, podman or buildah'],
  ])('refuses %j', async (args, said) => {
    const { code, stderr, calls } = await docker.run('images.sh', args);
    expect(stderr).toContain(said);
    expect({ code, calls }).toEqual({ code: 2, calls: [] });
  });
});
