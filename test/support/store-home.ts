// Inputs and outputs for the tests that run with every store: two folders, Redis, or two places in a bucket.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { S3Bucket } from '../../functions/lib/store/s3-bucket.ts';
import { S3Front, s3Environment } from './s3-front.ts';

export const storeKinds = ['file', 'redis', 's3'] as const;
export type StoreKind = (typeof storeKinds)[number];
/** The stores in which results have names that people see. */
export const namedStores = ['file', 's3'] as const;

export interface StoreHome {
  /** The settings that make the functions use it. */
  env: Record<string, string>;
  putInput(name: string, bytes: Buffer): Promise<void>;
  /** Stores a file among the results, as somebody else would. */
  putOutput(name: string, bytes: Buffer): Promise<void>;
  /** Returns the names of all stored results, sorted. */
  outputs(): Promise<string[]>;
  readOutput(name: string): Promise<Buffer>;
  removeOutput(name: string): Promise<void>;
  close(): Promise<void>;
}

export async function makeStoreHome(store: StoreKind): Promise<StoreHome> {
  return store === 's3' ? bucketHome() : folderHome(store);
}

async function folderHome(store: StoreKind): Promise<StoreHome> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-store-home-'));
  const [inputs, outputs] = ['in', 'out'].map((each) => join(folder, each));
  await mkdir(inputs);
  return {
    env: { STORE: store, INPUT_PATH: inputs, OUTPUT_PATH: outputs },
    putInput: (name, bytes) => putFile(join(inputs, name), bytes),
    putOutput: (name, bytes) => putFile(join(outputs, name), bytes),
    async outputs() {
      const entries = await readdir(outputs, { recursive: true, withFileTypes: true }).catch(() => []);
      const files = entries.filter((entry) => entry.isFile());
      return files.map((file) => join(file.parentPath, file.name).slice(outputs.length + 1)).sort();
    },
    readOutput: (name) => readFile(join(outputs, name)),
    removeOutput: (name) => rm(join(outputs, name)),
    close: () => rm(folder, { recursive: true }),
  };
}

async function putFile(path: string, bytes: Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

async function bucketHome(): Promise<StoreHome> {
  const front = await S3Front.start(['tests']);
  const env = s3Environment(front.endpoint);
  Object.assign(process.env, env); // For the client of this process, until the test file ends.
  const bucket = new S3Bucket('tests', { s3Endpoint: front.endpoint, s3Region: 'auto', s3PathStyle: 'auto' });
  return {
    env: { ...env, INPUT_PATH: 's3://tests/in', OUTPUT_PATH: 's3://tests/out' },
    putInput: (name, bytes) => front.put(`tests/in/${name}`, bytes),
    putOutput: (name, bytes) => front.put(`tests/out/${name}`, bytes),
    async outputs() {
      const listed = await Array.fromAsync(bucket.list('out/'));
      return listed.map(({ key }) => key.slice('out/'.length)).sort();
    },
    readOutput: (name) => front.get(`tests/out/${name}`),
    removeOutput: (name) => front.remove(`tests/out/${name}`),
    close: () => front.stop(),
  };
}
