// Where the functions, as they are bundled, find the credentials for a bucket.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { FunctionProcess } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { keys, S3Front } from '../support/s3-front.ts';

let redis: RedisServer;
let s3: S3Front;
let tokens: Server;
let folder: string;
/** The requests to the service for temporary credentials. */
const asked: URLSearchParams[] = [];

beforeAll(async () => {
  redis = await RedisServer.start();
  s3 = await S3Front.start(['tests']);
  folder = await mkdtemp(join(tmpdir(), 'tessera-credentials-'));
  await mkdir(join(folder, '.aws'));
  tokens = createServer((req, res) => void answer(req, res)).listen(0, '127.0.0.1');
  await once(tokens, 'listening');
});
afterEach(() => s3.reset());
afterAll(async () => {
  tokens.closeAllConnections();
  tokens.close();
  await s3.stop();
  await redis.stop();
  await rm(folder, { recursive: true });
});

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  asked.push(new URLSearchParams(await text(req)));
  res.writeHead(200, { 'content-type': 'text/xml' }).end(temporaryCredentials());
}

function temporaryCredentials(): string {
  const until = new Date(Date.now() + 3_600_000).toISOString();
  return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult><Credentials>
    <AccessKeyId>${keys.accessKeyId}</AccessKeyId>
    <SecretAccessKey>${keys.secretAccessKey}</SecretAccessKey>
    <SessionToken>session</SessionToken><Expiration>${until}</Expiration>
  </Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>`;
}

/** Starts assemble, which looks at its bucket, and stops it. Throws if it ends because it cannot. */
async function useBucket(env: Record<string, string>): Promise<void> {
  const assemble = new FunctionProcess('assemble', {
    env: {
      REDIS_URL: redis.url,
      STORE: 's3',
      S3_ENDPOINT: s3.endpoint,
      INPUT_PATH: 's3://tests/in',
      OUTPUT_PATH: 's3://tests/out',
      AWS_EC2_METADATA_DISABLED: 'true',
      ...env,
    },
  });
  await assemble.healthy();
  await assemble.stop();
}

it('come from the environment', async () => {
  const { accessKeyId, secretAccessKey } = keys;
  await useBucket({ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey });
  expect(s3.seen).toHaveLength(1);
});

it('come from the shared files, under the name of a profile', async () => {
  await writeFile(
    join(folder, '.aws/credentials'),
    `[pictures]\naws_access_key_id = ${keys.accessKeyId}\naws_secret_access_key = ${keys.secretAccessKey}\n`,
  );
  await useBucket({ HOME: folder, AWS_PROFILE: 'pictures' });
  expect(s3.seen).toHaveLength(1);
});

it('come from a web identity, as on EKS', async () => {
  const file = join(folder, 'token');
  await writeFile(file, 'the-token-of-the-pod');
  await useBucket({
    AWS_WEB_IDENTITY_TOKEN_FILE: file,
    AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/tessera',
    AWS_REGION: 'eu-central-1',
    AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${(tokens.address() as AddressInfo).port}`,
  });
  expect(Object.fromEntries(asked[0])).toMatchObject({
    Action: 'AssumeRoleWithWebIdentity',
    RoleArn: 'arn:aws:iam::123456789012:role/tessera',
    WebIdentityToken: 'the-token-of-the-pod',
  });
  expect(s3.seen.map(({ headers }) => headers['x-amz-security-token'])).toEqual(['session']);
});

it('are said to be missing when there are none', async () => {
  await expect(useBucket({})).rejects.toThrow(/missing or wrong \(CredentialsProviderError\)/);
});
