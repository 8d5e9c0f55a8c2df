// `npm run audit`: asks the registry which of the packages that are shipped, as the lockfile has them, are known to be
// vulnerable, and fails if one is gravely (high or critical). Where the registry cannot be asked, that is said and nothing
// fails: everything else works offline.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

interface Advisory {
  title: string;
  url: string;
}

interface Report {
  /** By package. `via` names the packages it is vulnerable through, and what is wrong with itself. */
  vulnerabilities?: Record<string, { name: string; severity: string; via: (string | Advisory)[] }>;
  message?: string;
}

const root = join(import.meta.dirname, '..');

/** What `npm audit` finds. It exits with 1 when it finds something, and when it cannot. */
async function audit(): Promise<Report> {
  const found = promisify(execFile)('npm', ['audit', '--omit=dev', '--json'], {
    cwd: root,
    maxBuffer: 1 << 26,
  });
  const { stdout } = await found.catch((error: { stdout: string }) => error);
  return JSON.parse(stdout) as Report;
}

const { vulnerabilities, message } = await audit();
if (vulnerabilities === undefined) {
  console.log(`Not checked for known vulnerabilities: ${message}`);
} else {
  const found = Object.values(vulnerabilities);
  for (const { name, severity, via } of found) {
    const reasons = via.map((each) =>
      typeof each === 'string' ? `by ${each}` : `${each.title} ${each.url}`,
    );
    console.log(`${name}: ${severity}: ${reasons.join('; ')}`);
  }
  const grave = found.filter(({ severity }) => severity === 'high' || severity === 'critical').length;
  console.log(`${found.length} known vulnerabilities, ${grave} of them grave`);
  if (grave > 0) process.exitCode = 1;
}
