// Builds the functions' bundles if they are out of date, then runs the command `tessera`.
import { keepCompiledCode } from '../functions/lib/service/compile-cache.ts';
import { tessera } from '../local/tessera.ts';
import { runCommand } from './lib/options.ts';

async function prepare(): Promise<void> {
  const { buildIfStale } = await import('./build.ts');
  await buildIfStale(() => console.error('Building the functions'));
  keepCompiledCode();
}

await runCommand(() => tessera(process.argv.slice(2), prepare), 1);
