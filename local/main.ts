// The command `tessera` in the package that `npm pack` makes, where the functions are already built.
import { runCommand } from '../scripts/lib/options.ts';
import { tessera } from './tessera.ts';

await runCommand(() => tessera(process.argv.slice(2)), 1);
