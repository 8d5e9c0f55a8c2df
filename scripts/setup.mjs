// Prepares a new machine before npm runs anything else: see lib/prepare.mjs. With --test also for the tests.
import { isNodeNewEnough } from './lib/node-version.mjs';

// Loaded only then: an older Node could not read it.
if (isNodeNewEnough(20, 11)) {
  void import('./lib/prepare.mjs').then(async ({ prepare }) => {
    if (!(await prepare({ forTests: process.argv.includes('--test') }))) process.exitCode = 1;
  });
}
