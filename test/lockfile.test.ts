// What the lockfile contains for each package: its licence, its hash, its Node, and whether it runs an install script.
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';

interface Package {
  license?: string;
  integrity?: string;
  /** Needed only to build and test. */
  dev?: boolean;
  devOptional?: boolean;
  hasInstallScript?: boolean;
  engines?: { node?: string };
}

/** Licences under which a package may be shipped with something under Apache-2.0. */
const shippable = [
  '(MIT AND Zlib)',
  '(MIT OR CC0-1.0)',
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC-BY-3.0',
  'CC0-1.0',
  'ISC',
  'MIT',
];
/** Licences of packages that are used here but not shipped. */
const usable = [
  ...shippable,
  'Apache-2.0 AND LGPL-3.0-or-later',
  'Apache-2.0 AND LGPL-3.0-or-later AND MIT',
  'LGPL-3.0-or-later',
  'MPL-2.0',
];
/** Packages whose licence is only in a file. */
const licences: Record<string, string> = { 'node_modules/exif-parser': 'MIT' };

let packages: [path: string, Package][];
let own: Package;
beforeAll(async () => {
  const lockfile = await readFile(new URL('../package-lock.json', import.meta.url), 'utf8');
  const all = (JSON.parse(lockfile) as { packages: Record<string, Package> }).packages;
  own = all[''];
  packages = Object.entries(all).filter(([path]) => path !== '');
  expect(packages.length).toBeGreaterThan(100);
});

/** Returns the oldest Node that a range of versions allows, as a number to compare. */
function oldestNode({ engines }: Package): number {
  const lowest = (engines?.node ?? '0').split('||').map((range) => {
    const [, major = '0', minor = '0'] = /(\d+)(?:\.(\d+))?/.exec(range) ?? [];
    return Number(major) * 1000 + Number(minor);
  });
  return Math.min(...lowest);
}

const isShipped = ({ dev, devOptional }: Package): boolean => !dev && !devOptional;

describe('every package', () => {
  it('has a licence that allows our use', () => {
    const unfit = packages.filter(([path, each]) => {
      const licence = each.license ?? licences[path] ?? 'none';
      return !(isShipped(each) ? shippable : usable).includes(licence);
    });
    expect(unfit.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
  });

  it('allows the oldest Node that we allow, if it is shipped', () => {
    const shipped = packages.filter(([, each]) => isShipped(each));
    const tooNew = shipped.filter(([, each]) => oldestNode(each) > oldestNode(own));
    expect(tooNew.map(([path, { engines }]) => `${path}: ${engines?.node}`)).toEqual([]);
  });

  it('is pinned by its hash', () => {
    expect(packages.filter(([, { integrity }]) => !integrity).map(([path]) => path)).toEqual([]);
  });

  it('has no install script, except the one that installs Node', () => {
    const running = packages.filter(([, each]) => each.hasInstallScript).map(([path]) => path);
    expect(running).toEqual(['node_modules/node']);
  });
});
