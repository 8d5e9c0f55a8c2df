// `npm run audit`: asks the registry which shipped packages (as in the lockfile) have known vulnerabilities,
// and fails if one is severe (high or critical). If the registry cannot be reached, it says so and does not
// fail, because everything else works offline.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

interface Advisory {
  title: string;
  url: string;
}

interface Report {
  /** By package. `via` lists the packages through which it is vulnerable, and its own vulnerabilities. */
  vulnerabilities?: Record<string, { name: string; severity: string; via: (string | Advisory)[] }>;
  message?: string;
}

const root = join(import.meta.dirname, '..');

/** Returns what `npm audit` finds. It exits with 1 both when it finds something and when it fails. */
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
  console.log(`${found.length} known vulnerabilities, ${grave} of them severe`);
  if (grave > 0) process.exitCode = 1;
}
