// Prepares a new machine: installs the npm packages, and a Redis server with the system's package manager. Plain JavaScript
// without imports of packages, because it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, runQuietly, showing } from './run-quietly.mjs';
import { installMissing, redis, tool } from './system-packages.mjs';

const root = join(import.meta.dirname, '../..');
const bundledNode = join(root, 'node_modules/.bin/node');
const NO_NETWORK =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT)\b/;

/** npm tries a request three times, within a few seconds. */
const NPM_OPTIONS = ['--loglevel=error', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000'];

/** How many lines of npm's output are shown. */
const NPM_LINES = 8;

/** Commands that the tests of the shell scripts call, and that make a certificate for a Redis with TLS. */
const testTools = ['curl', 'jq', 'openssl'].map(tool);

/** Installs what is missing. Returns whether everything is there; if not, it has said what to do. */
export async function prepare({ forTests = false, withoutRedis = false } = {}) {
  const needs = [...(withoutRedis ? [] : [redis]), ...(forTests ? testTools : [])];
  return (await haveNpmPackages()) && (await haveNode()) && (await installMissing(needs));
}

/** Returns the Node that runs TypeScript directly. */
export function ownNode() {
  return existsSync(bundledNode) ? bundledNode : process.execPath;
}

async function haveNpmPackages() {
  if (isInstalled()) return true;
  const { isDone, said } = await showing('Installing the npm packages', installNpmPackages);
  if (isDone) return true;
  const [, code] = NO_NETWORK.exec(said) ?? [];
  if (code !== undefined) {
    console.error(
      `The npm registry cannot be reached (${code}): check the network, and "npm config get registry" and "proxy".`,
    );
  } else {
    console.error(`The npm packages could not be installed:\n${beginningOf(said)}`);
  }
  return false;
}

/**
 * Without a network, npm would try for minutes, package by package. So one request finds out first. If it fails, the packages
 * may still be in npm's cache.
 */
async function installNpmPackages() {
  const ping = await run('npm', ['ping', ...NPM_OPTIONS], root);
  const isOffline = !ping.isDone && NO_NETWORK.test(ping.said);
  const args = ['ci', '--no-audit', '--no-fund', ...NPM_OPTIONS, ...(isOffline ? ['--offline'] : [])];
  const installed = await run('npm', args, root);
  return isOffline && !installed.isDone ? ping : installed;
}

/** Returns the first lines, which have npm's reason. */
function beginningOf(said) {
  const lines = said.trim().split('\n');
  const more = lines.length > NPM_LINES ? ['(npm ci shows the rest)'] : [];
  return [...lines.slice(0, NPM_LINES), ...more].join('\n');
}

function isInstalled() {
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return false;
  const present = packagesIn('node_modules/.package-lock.json');
  // A package for another system is in the lockfile, but is not installed here.
  return Object.entries(packagesIn('package-lock.json')).every(
    ([path, { version, optional }]) => path === '' || optional || present[path]?.version === version,
  );
}

function packagesIn(file) {
  return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
}

/** The package "node" installs this project's Node by a script, which npm may be configured not to run. */
async function haveNode() {
  if (process.features.typescript || runs(bundledNode)) return true;
  await runQuietly('Installing Node 24', 'npm', ['rebuild', 'node'], root);
  if (runs(bundledNode)) return true;
  console.error(
    'Tessera runs on Node 24, which the package "node" brings by a script. Scripts are switched off here: run "npm rebuild node --ignore-scripts=false", or use Node 24.',
  );
  return false;
}

function runs(node) {
  return spawnSync(node, ['--version']).status === 0;
}
