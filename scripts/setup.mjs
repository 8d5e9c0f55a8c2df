// Prepares a new machine: installs the npm packages, and a Redis server with the system's package manager.
// With --test also the tools that the tests need. Plain JavaScript without imports from the project, because
// it runs before anything is installed, on any Node since 20.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Returns whether `command` is on the PATH. */
function has(command) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Runs a command and shows its output on standard error. Returns whether it succeeded. */
function run(command, ...args) {
  console.error(`> ${command} ${args.join(' ')}`);
  return spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] }).status === 0;
}

const packagesIn = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;

function isInstalled() {
  const installed = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installed)) return false;
  const present = packagesIn(installed);
  // A package for another system is in the lockfile, but is not installed here.
  return Object.entries(packagesIn(join(root, 'package-lock.json'))).every(
    ([path, { version, optional }]) => path === '' || optional || present[path]?.version === version,
  );
}

/** What is needed besides npm packages: any one of `commands`, from this package of each package manager. */
const redis = {
  commands: ['redis-server', 'valkey-server'],
  packages: { 'apt-get': 'redis-server', dnf: 'valkey', apk: 'redis', brew: 'redis' },
};
const tool = (name) => ({
  commands: [name],
  packages: { 'apt-get': name, dnf: name, apk: name, brew: name },
});
/** Commands that the tests of the shell scripts call, and that make a certificate for a Redis with TLS. */
const tools = ['curl', 'jq', 'openssl'].map(tool);
const needs = process.argv.includes('--test') ? [redis, ...tools] : [redis];

const managers = [
  {
    command: 'apt-get',
    steps: (names) => [
      ['update', '-qq'],
      ['install', '-y', '-qq', '--no-install-recommends', ...names],
    ],
  },
  { command: 'dnf', steps: (names) => [['install', '-y', '-q', ...names]] },
  { command: 'apk', steps: (names) => [['add', '--quiet', ...names]] },
  { command: 'brew', steps: (names) => [['install', '--quiet', ...names]], isForAnyUser: true },
];

const isThere = ({ commands }) => commands.some(has);

/** Installs `missing` with the system's package manager. Returns whether everything is there afterwards. */
function install(missing) {
  const manager = managers.find(({ command }) => has(command));
  const isRoot = process.getuid?.() === 0;
  if (!manager || !(isRoot || manager.isForAnyUser || has('sudo'))) return false;
  const prefix = isRoot || manager.isForAnyUser ? [] : ['sudo', '-n'];
  process.env.DEBIAN_FRONTEND = 'noninteractive';
  const names = missing.map(({ packages }) => packages[manager.command]);
  for (const step of manager.steps(names)) {
    const [command, ...args] = [...prefix, manager.command, ...step];
    if (!run(command, ...args)) return false;
  }
  return missing.every(isThere);
}

if (!isInstalled() && !run('npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error')) {
  console.error('The npm packages could not be installed; npm shows the reason above.');
  process.exit(1);
}
// npm start and the tests run TypeScript directly. If this Node cannot, the one in the npm packages does.
if (!process.features.typescript && !existsSync(join(root, 'node_modules/.bin/node'))) {
  console.error(
    'This needs Node 24, which the package "node" brings unless scripts are switched off: run "npm rebuild node", or use Node 24 itself.',
  );
  process.exit(1);
}
const missing = needs.filter((need) => !isThere(need));
if (missing.length > 0 && !install(missing)) {
  const names = missing.map(({ commands }) => commands.join(' or ')).join(', ');
  console.error(`Missing, and it could not be installed here: ${names}.`);
  console.error('Install it by hand, for example: sudo apt-get install redis-server');
  process.exit(1);
}
