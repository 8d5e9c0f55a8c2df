// What is needed besides npm packages, and how each system installs it.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runQuietly } from './run-quietly.mjs';

/** The scripts in Lua begin with a line that older servers cannot read. */
const REDIS_MAJOR = 7;

/** One of `commands` is enough. `packages`: the package that contains it, for each package manager. */
export const redis = {
  commands: ['redis-server', 'valkey-server'],
  packages: {
    'apt-get': 'redis-server',
    dnf: 'valkey',
    apk: 'redis',
    brew: 'redis',
    pacman: 'valkey',
    zypper: 'valkey',
  },
  isUsable: (command) =>
    Number(/v=(\d+)/.exec(spawnSync(command, ['--version']).stdout)?.[1] ?? 0) >= REDIS_MAJOR,
  wanted: `Redis ${REDIS_MAJOR} or later, or Valkey`,
};

/** A command whose package has the same name everywhere. */
export function tool(name) {
  const packages = Object.fromEntries(Object.keys(redis.packages).map((manager) => [manager, name]));
  return { commands: [name], packages, isUsable: () => true, wanted: name };
}

/** The command line of each package manager. `isTried`: it is known to work without questions. */
const managers = [
  {
    command: 'apt-get',
    steps: (names) => [
      ['update', '-qq'],
      ['install', '-y', '-qq', '--no-install-recommends', ...names],
    ],
    isTried: true,
  },
  { command: 'dnf', steps: (names) => [['install', '-y', '-q', ...names]], isTried: true },
  { command: 'apk', steps: (names) => [['add', '--quiet', ...names]], isTried: true },
  {
    command: 'brew',
    steps: (names) => [['install', '--quiet', ...names]],
    isTried: true,
    isForAnyUser: true,
  },
  { command: 'pacman', steps: (names) => [['-S', ...names]] },
  { command: 'zypper', steps: (names) => [['install', ...names]] },
];

/** Installs what is missing of `needs`. Returns whether everything is there; if not, it has printed what to do. */
export async function installMissing(needs) {
  const missing = needs.filter((need) => !isThere(need));
  if (missing.length === 0) return true;
  const manager = managers.find(({ command }) => has(command));
  const names = missing.map(({ packages }) => packages[manager?.command]);
  const isRoot = process.getuid?.() === 0;
  const mayInstall = manager?.isForAnyUser || isRoot || has('sudo');
  if (manager?.isTried && mayInstall && (await install(manager, names, isRoot)) && missing.every(isThere))
    return true;
  const wanted = missing.map((need) => need.wanted).join('; ');
  console.error(`Missing, and could not be installed here: ${wanted}. ${advice(manager, names, isRoot)}`);
  return false;
}

async function install(manager, names, isRoot) {
  const prefix = isRoot || manager.isForAnyUser ? [] : ['sudo', '-n'];
  process.env.DEBIAN_FRONTEND = 'noninteractive';
  for (const step of manager.steps(names)) {
    const [command, ...args] = [...prefix, manager.command, ...step];
    const { isDone } = await runQuietly(
      `Installing ${names.join(', ')} with ${manager.command}`,
      command,
      args,
    );
    if (!isDone) return false;
  }
  return true;
}

/** Returns what the user can do. */
function advice(manager, names, isRoot) {
  if (manager) {
    const sudo = isRoot || manager.isForAnyUser ? '' : 'sudo ';
    return `Install by hand: ${sudo}${manager.command} ${manager
      .steps(names)
      .at(-1)
      .filter((word) => !/^-(y$|q|-)/.test(word))
      .join(' ')}`;
  }
  if (process.platform === 'darwin') return 'Install Homebrew (https://brew.sh), then: brew install redis';
  return "Install it with your system's package manager; https://redis.io/docs/latest/get-started says how.";
}

function isThere({ commands, isUsable }) {
  return commands.some((command) => has(command) && isUsable(command));
}

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
