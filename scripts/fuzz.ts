// `npm run fuzz`: feeds every parser a million mutated inputs, and prints the outcomes.
import { fuzz } from '../test/hostile/fuzz.ts';
import { fuzzTargets } from '../test/hostile/fuzz-targets.ts';
import { parseOptions, runCommand, UsageError, wholeNumber } from './lib/options.ts';

const HELP = `Feeds the parsers mutated inputs: npm run fuzz -- [options]

  --inputs N      inputs in all (default 1000000)
  --seed N        seed for the random inputs (default 1)
  --target NAME   one parser only
  --help          this text

It exits with 0 if every input was accepted or refused as a problem, 1 if not, 2 if it could not run.`;

/** Decoding pixels takes a thousand times as long as reading a header, so these get a small share of the inputs. */
const SHARES: Record<string, number> = { png: 0.02, jpeg: 0.002 };

function readOptions() {
  const { values } = parseOptions({
    options: {
      inputs: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      target: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    inputs: wholeNumber('inputs', values.inputs),
    seed: wholeNumber('seed', values.seed),
    target: values.target,
    help: values.help,
  };
}

async function main(): Promise<number> {
  const { inputs, seed, target, help } = readOptions();
  if (help) {
    console.log(HELP);
    return 0;
  }
  const targets = (await fuzzTargets()).filter(({ name }) => target === undefined || name === target);
  if (targets.length === 0) throw new UsageError(`there is no parser ${target}`);
  const quick = targets.filter(({ name }) => !(name in SHARES));
  const rest = 1 - targets.reduce((sum, { name }) => sum + (SHARES[name] ?? 0), 0);
  const shareOf = (name: string): number =>
    targets.length === 1 ? 1 : (SHARES[name] ?? rest / quick.length);
  console.log(
    `seed ${seed}\n${'parser'.padEnd(20)}${'inputs'.padStart(9)}${'taken'.padStart(9)}${'refused'.padStart(9)}${'slowest ms'.padStart(12)}`,
  );
  let isSound = true;
  for (const each of targets) {
    const { faults, ...counts } = await fuzz(each, Math.ceil(inputs * shareOf(each.name)), seed);
    const { taken, refused, slowestMs } = counts;
    console.log(
      `${each.name.padEnd(20)}${String(counts.inputs).padStart(9)}${String(taken).padStart(9)}${String(refused).padStart(9)}${slowestMs.toFixed(1).padStart(12)}`,
    );
    for (const { input, what } of faults) console.log(`  ${what}\n  ${input}`);
    isSound &&= faults.length === 0;
  }
  return isSound ? 0 : 1;
}

await runCommand(main, 2);
