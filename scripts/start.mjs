// The start of `npm start`, and of `tessera` in a clone. Plain JavaScript, because for a TypeScript file Node first
// loads a compiler. The other files come from the cache, already compiled.
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

enableCompileCache(join(import.meta.dirname, '../dist/.compile-cache'));
await import('./start.ts');
