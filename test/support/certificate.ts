// Makes a certificate for a server on this machine, for one test.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Certificate {
  /** Files. The certificate is self-signed. */
  certificate: string;
  key: string;
  remove(): Promise<void>;
}

/** Makes a certificate for 127.0.0.1, valid for a day. */
export async function makeCertificate(): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-tls-'));
  const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const names = ['-subj', '/CN=tessera-test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-out', certificate, '-keyout', key];
  await promisify(execFile)('openssl', ['req', '-x509', '-days', '1', ...curve, ...names, ...files]);
  return { certificate, key, remove: () => rm(folder, { recursive: true }) };
}
