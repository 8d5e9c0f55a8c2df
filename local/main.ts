// What `tessera` runs in the package that `npm pack` makes, where the functions are built already.
import { runCommand } from '../scripts/lib/options.ts';
import { tessera } from './tessera.ts';

await runCommand(() => tessera(process.argv.slice(2)), 1);
