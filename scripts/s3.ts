// `npm run s3`: an S3 server with a bucket of pictures, and the pipeline with STORE=s3 beside it, on this machine.
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import { Guard } from '../local/guard.ts';
import { drawSamples } from '../local/samples.ts';
import { startS3Server } from '../local/s3-server.ts';
import { makeTemporaryFolder, removeTemporaryFolder } from '../local/temporary-folder.ts';
import { tessera } from '../local/tessera.ts';
import { buildIfStale } from './build.ts';
import { CommandError, parseOptions, runCommand, wholeNumber } from './lib/options.ts';

const HELP = `Blurs pictures from one bucket place into another on this machine: npm run s3 -- [options]

  --s3-port N   where the S3 server listens on 127.0.0.1 (default 9000)
  --port N      where split listens (default 8080)
  --help        this text

The server keeps its bucket in memory; Ctrl-C ends everything.`;

const BUCKET = 'tessera';

async function main(): Promise<number> {
  const { values } = parseOptions({
    options: {
      's3-port': { type: 'string', default: '9000' },
      port: { type: 'string', default: '8080' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const s3Port = wholeNumber('s3-port', values['s3-port'], 0, 65_535);
  const server = await startS3Server([BUCKET], s3Port).catch((error: unknown) => {
    throw new CommandError(`port ${s3Port} cannot be used; --s3-port names another`, { cause: error });
  });
  try {
    const endpoint = `http://127.0.0.1:${server.port}`;
    await putSamples(`${endpoint}/${BUCKET}/in/holidays`);
    Object.assign(process.env, {
      STORE: 's3',
      S3_ENDPOINT: endpoint,
      INPUT_PATH: `s3://${BUCKET}/in`,
      OUTPUT_PATH: `s3://${BUCKET}/out`,
      AWS_ACCESS_KEY_ID: 'any',
      AWS_SECRET_ACCESS_KEY: 'any',
    });
    console.log(greeting(endpoint, values.port));
    return await tessera(['--serve', '--port', values.port], () => buildIfStale());
  } finally {
    await server.stop();
  }
}

async function putSamples(url: string): Promise<void> {
  const folder = await makeTemporaryFolder(tmpdir(), 'tessera-samples-');
  const guard = new Guard(folder);
  try {
    for (const path of await drawSamples(folder)) {
      const type = path.endsWith('.png') ? 'image/png' : 'image/jpeg';
      const headers = { 'content-type': type };
      await fetch(`${url}/${basename(path)}`, { method: 'PUT', headers, body: await readFile(path) });
    }
  } finally {
    await removeTemporaryFolder(folder);
    guard.release();
  }
}

function greeting(endpoint: string, port: string): string {
  return [
    `The bucket "${BUCKET}" is at ${endpoint}, with pictures under in/holidays/. Then try:`,
    '',
    `  curl --json '{"input": "holidays/"}' http://127.0.0.1:${port}/`,
    `  curl '${endpoint}/${BUCKET}?list-type=2&prefix=out/'`,
    `  curl --fail --retry 9 --retry-all-errors --output tiles_blurred.png ${endpoint}/${BUCKET}/out/holidays/tiles_blurred.png`,
    '',
  ].join('\n');
}

await runCommand(main, 1);
