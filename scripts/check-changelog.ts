// Refuses a release whose version has no section in CHANGELOG.md. `npm version` runs it before it changes anything.
import { read } from './lib/generated-files.ts';
import { CommandError, runCommand, UsageError } from './lib/options.ts';

/** Whether the changelog has a section for `version`, with a date. */
export function hasSection(changelog: string, version: string): boolean {
  const title = `## ${version} - `;
  return changelog
    .split('\n')
    .some((line) => line.startsWith(title) && /^\d{4}-\d\d-\d\d$/.test(line.slice(title.length)));
}

async function main(): Promise<number> {
  const version = process.env.npm_new_version;
  if (version === undefined) throw new UsageError('this is for npm version, which sets npm_new_version');
  if (hasSection(await read('CHANGELOG.md'), version)) return 0;
  throw new CommandError(
    `CHANGELOG.md has no section "## ${version} - YYYY-MM-DD": write and commit it, then run npm version again`,
  );
}

if (import.meta.main) await runCommand(main, 1);
