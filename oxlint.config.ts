// The linter's rules. The last part keeps the layout that docs/ARCHITECTURE.md describes under "The folders".
import { defineConfig } from 'oxlint';

type Override = NonNullable<ReturnType<typeof defineConfig>['overrides']>[number];

/** Imports that are not allowed somewhere, and why. */
interface Ban {
  /** Matches the path of the import, as it is written. */
  regex: string;
  message: string;
}

function folders(names: string[], message: string): Ban {
  return { regex: `(^|/)(${names.join('|')})/`, message };
}

const trials = folders(
  ['chaos', 'simulate', 'bench', 'test'],
  'Only the trials, benches and tests may import each other.',
);
const callers = folders(['local', 'scripts'], 'The functions do not import what runs them.');
const testing = folders(['testing'], 'Only tests may import functions/testing.');
const allFunctions = folders(
  ['split', 'blur', 'assemble'],
  'functions/lib serves every function and imports none.',
);

function otherFunctions(name: string): Ban {
  const others = ['split', 'blur', 'assemble'].filter((each) => each !== name);
  return folders(others, 'A function may import functions/lib and packages, never another function.');
}

const outside = 'Pixel code imports no Redis, HTTP, clock or file system.';
const outsideOfPixels: Ban[] = [
  { regex: '^ioredis(/|$)', message: outside },
  { regex: '^(node:)?(https?|http2|net|tls|dgram|fs|timers|perf_hooks)(/|$)', message: outside },
  folders(['redis', 'queue', 'store', 'service'], outside),
  { regex: '/(config|index|main)\\.ts$', message: outside },
];
const clocksAndHttp = ['setTimeout', 'setInterval', 'Date', 'performance', 'fetch'];

const inBrowser = 'The page runs in a browser: of this repository it may use only what is pure.';
const serversOnly: Ban[] = [
  { regex: '^(node:|ioredis|@google-cloud/)', message: inBrowser },
  { regex: String.raw`^\.\./[^.]`, message: inBrowser },
  folders(['blur', 'assemble', 'redis', 'queue', 'store', 'service', 'image'], inBrowser),
];

/** An override replaces the restrictions of those before it, so each one has all the bans for its files. */
function restrict(files: string[], bans: Ban[]): Override {
  return { files, rules: { 'eslint/no-restricted-imports': ['error', { patterns: bans }] } };
}

/** The same for pixel code. */
function restrictPixels(files: string[], bans: Ban[]): Override {
  const { rules } = restrict(files, [...bans, ...outsideOfPixels]);
  return { files, rules: { ...rules, 'eslint/no-restricted-globals': ['error', ...clocksAndHttp] } };
}

/** For a folder of `functions`: its code, its pixel code and its unit tests. */
function restrictFolder(folder: string, pixels: string[], siblings: Ban): Override[] {
  const tests = [`functions/${folder}/**/*.test.ts`];
  const bans = [siblings, callers, trials];
  return [
    restrict([`functions/${folder}/**`], [...bans, testing]),
    restrictPixels(
      pixels.map((path) => `functions/${folder}/${path}`),
      [...bans, testing],
    ),
    { files: tests, rules: { ...restrict(tests, bans).rules, 'eslint/no-restricted-globals': 'off' } },
  ];
}

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'import', 'promise', 'node', 'vitest', 'oxc'],
  categories: { correctness: 'error', suspicious: 'error', perf: 'error' },
  rules: {
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/await-thenable': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/consistent-type-imports': 'error',
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/no-unnecessary-type-arguments': 'off',
    'import/extensions': ['error', 'ignorePackages'],
    'import/no-cycle': 'error',
    'import/no-duplicates': 'error',
    'import/no-named-as-default-member': 'off',
    'import/no-unassigned-import': 'off',
    'eslint/no-await-in-loop': 'off',
    'eslint/no-shadow': 'off',
    'eslint/no-underscore-dangle': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/no-array-reverse': 'off',
    'vitest/require-mock-type-parameters': 'off',
    'promise/always-return': 'off',
    'eslint/eqeqeq': 'error',
    'eslint/prefer-const': 'error',
  },
  overrides: [
    ...restrictFolder('split', ['cut.ts'], otherFunctions('split')),
    restrict(['functions/split/page/**'], [...serversOnly, testing, trials]),
    ...restrictFolder('assemble', ['stitch.ts', 'on-white.ts'], otherFunctions('assemble')),
    ...restrictFolder(
      'blur',
      ['convolve/**', 'filters/**', 'convolve-tile.ts', 'jimp-plugin.ts'],
      otherFunctions('blur'),
    ),
    ...restrictFolder(
      'lib',
      [
        'image/png/**',
        'image/{tile-grid,pixels,bands,appearance,density,exif,icc}.ts',
        'filters/**',
        'kernel-size.ts',
      ],
      allFunctions,
    ),
    restrict(['functions/testing/**'], [callers, trials]),
    restrict(['local/**', 'scripts/**'], [trials, testing]),
    // They run a trial, as their only job.
    restrict(['scripts/{load,soak,fuzz}.ts'], [testing]),
    restrict(['local/**/*.test.ts'], [trials]),
    {
      files: ['**/*.test.ts', 'test/**'],
      rules: {
        'unicorn/consistent-function-scoping': 'off',
        'vitest/no-standalone-expect': 'off',
        'vitest/expect-expect': [
          'error',
          { assertFunctionNames: ['expect', 'expect*', 'until', 'fc.assert', 'assert*'] },
        ],
      },
    },
  ],
  ignorePatterns: ['dist', 'node_modules', 'output', 'samples', 'test/queue/last-release'],
});
