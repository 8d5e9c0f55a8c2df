// `npm start`, and `tessera` in a clone: builds the functions' bundles if they are out of date, then runs the
// command.
import { buildIfStale } from './build.ts';
import { runCommand } from './lib/options.ts';
import { tessera } from '../local/tessera.ts';

const prepare = () => buildIfStale(() => console.error('Building the functions'));
await runCommand(() => tessera(process.argv.slice(2), prepare), 1);
