// Prepares a new machine before npm runs anything else: see lib/prepare.mjs. With --test also for the tests;
// with --without-redis only the packages.
import { isNodeNewEnough } from './lib/node-version.mjs';

// Loaded only then: an older Node could not read it.
if (isNodeNewEnough(20, 11)) {
  void import('./lib/prepare.mjs').then(async ({ prepare }) => {
    const [forTests, withoutRedis] = ['--test', '--without-redis'].map((name) => process.argv.includes(name));
    if (!(await prepare({ forTests, withoutRedis }))) process.exitCode = 1;
  });
}
