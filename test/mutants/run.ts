// `npm run test:mutants`: plants faults in a copy of the queue, one at a time, and counts how many its tests catch.
import { oneOf, parseOptions, runCommand, UsageError, wholeNumber } from '../../scripts/lib/options.ts';
import type { Mutant } from './mutant.ts';
import { mutants } from './mutants.ts';
import { judge, MIN_SHARE, row, type Outcome } from './verdict.ts';
import { suites, Workbench, type Suite } from './workbench.ts';

const HELP = `Plants known faults in the queue, one at a time, and counts how many the tests catch:
npm run test:mutants -- [--only <text>] [--suite examples|model|all] [--jobs <n>]

  --only <text>   only faults with this text in their name or file
  --suite         which tests must catch them: the examples, the model test, or either (all, the default)
  --jobs <n>      how many at a time; 2 unless given

It exits with 0 if at least ${MIN_SHARE * 100} % are caught, 1 if not, or if the tests are red without any fault,
or if a fault does not apply to the code any more; 2 if it was called wrongly.`;

async function tryMutant(bench: Workbench, mutant: Mutant, suite: Suite): Promise<Outcome> {
  const failure = await bench.withPlanted(mutant, async () => {
    const first = await bench.test(suite);
    // On a busy machine a test may time out by itself; a fault makes it time out again.
    return first && /timed out/i.test(first.message) ? bench.test(suite) : first;
  });
  if (failure && /Error compiling script|SyntaxError/.test(failure.message)) {
    throw new Error(`"${mutant.name}" is not a fault but a syntax error:\n${failure.message}`);
  }
  return { mutant, caughtBy: failure?.test ?? null };
}

async function tryMutants(chosen: Mutant[], suite: Suite, jobs: number): Promise<number> {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopping.abort());
  const benches = await Promise.all(Array.from({ length: jobs }, () => Workbench.open(stopping.signal)));
  try {
    const failure = await benches[0].test(suite);
    if (failure) throw new Error(`The tests fail without any fault. ${failure.test}:\n${failure.message}`);
    const outcomes: Outcome[] = [];
    const left = [...chosen];
    await Promise.all(
      benches.map(async (bench) => {
        for (let mutant = left.shift(); mutant; mutant = left.shift()) {
          const outcome = await tryMutant(bench, mutant, suite);
          outcomes.push(outcome);
          console.log(row(outcome));
        }
      }),
    );
    const { line, isGood } = judge(outcomes);
    console.log(line);
    return isGood ? 0 : 1;
  } finally {
    await Promise.all(benches.map((bench) => bench.close()));
  }
}

async function main(): Promise<number> {
  const { values } = parseOptions({
    options: {
      only: { type: 'string', default: '' },
      suite: { type: 'string', default: 'all' },
      jobs: { type: 'string', default: '2' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const suite = oneOf('suite', values.suite, Object.keys(suites) as Suite[]);
  const jobs = wholeNumber('jobs', values.jobs);
  const chosen = mutants.filter(({ name, file }) => `${name} ${file}`.includes(values.only));
  if (chosen.length === 0) throw new UsageError(`no fault has "${values.only}" in its name or file`);
  return tryMutants(chosen, suite, jobs);
}

await runCommand(main, 1);
