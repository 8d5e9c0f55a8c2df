// The command `tessera` in the package that `npm pack` makes, where the functions are already built.
import { useCompiledCode } from '../functions/lib/service/compile-cache.ts';

useCompiledCode(import.meta.dirname);
const { runCommand } = await import('../scripts/lib/options.ts');
const { tessera } = await import('./tessera.ts');

await runCommand(() => tessera(process.argv.slice(2)), 1);
