// Makes a fresh machine ready: the npm packages, and a Redis server through the system's package manager.
// Plain JavaScript without imports of its own project, for it runs before anything is installed, on any Node since 20.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Whether `command` is on the PATH. */
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

/** Runs a command with its output shown on standard error; whether it succeeded. */
function run(command, ...args) {
  console.error(`> ${command} ${args.join(' ')}`);
  return spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] }).status === 0;
}

const packagesIn = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;

function isInstalled() {
  const installed = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installed)) return false;
  const present = packagesIn(installed);
  // A package for another system is in the lockfile but rightly not installed.
  return Object.entries(packagesIn(join(root, 'package-lock.json'))).every(
    ([path, { version, optional }]) => path === '' || optional || present[path]?.version === version,
  );
}

function installRedis() {
  const asRoot = process.getuid?.() === 0 ? [] : has('sudo') ? ['sudo', '-n'] : null;
  const managers = [
    {
      command: 'apt-get',
      steps: [
        ['update', '-qq'],
        ['install', '-y', '-qq', '--no-install-recommends', 'redis-server'],
      ],
    },
    { command: 'dnf', steps: [['install', '-y', '-q', 'valkey']] },
    { command: 'apk', steps: [['add', '--quiet', 'redis']] },
    { command: 'brew', steps: [['install', '--quiet', 'redis']], anyUser: true },
  ];
  const manager = managers.find(({ command }) => has(command));
  const prefix = manager?.anyUser ? [] : asRoot;
  if (!manager || !prefix) return false;
  // The server is started by whoever needs it, not by the system.
  process.env.DEBIAN_FRONTEND = 'noninteractive';
  return manager.steps.every((step) => {
    const [command, ...args] = [...prefix, manager.command, ...step];
    return run(command, ...args);
  });
}

if (!isInstalled() && !run('npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error')) {
  console.error('The npm packages could not be installed; what npm says above tells why.');
  process.exit(1);
}
const hasRedis = () => has('redis-server') || has('valkey-server');
if (!hasRedis() && !(installRedis() && hasRedis())) {
  console.error('Tessera needs a redis-server or valkey-server on the PATH and could not install one.');
  console.error('Install it by hand, for example: sudo apt-get install redis-server');
  process.exit(1);
}
