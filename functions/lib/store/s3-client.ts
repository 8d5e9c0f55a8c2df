// The connection to an S3 service, as the settings describe it.
import { S3Client } from '@aws-sdk/client-s3';
import type { Config } from '../config.ts';

export type S3Settings = Pick<Config, 's3Endpoint' | 's3Region' | 's3PathStyle'>;

const CONNECT_MS = 5000;
/** A connection on which nothing moves for this long is given up. */
const IDLE_MS = 30_000;

function silent(): void {}
/** The client would write its warnings to the console, between the lines of our log. */
const logger = { trace: silent, debug: silent, info: silent, warn: silent, error: silent };

/** Returns a client. It finds the credentials itself when it sends its first request. */
export function connectS3({ s3Endpoint, s3Region, s3PathStyle }: S3Settings): S3Client {
  const isAws = s3Endpoint === 'aws';
  const region = s3Region === 'auto' ? (isAws ? undefined : 'us-east-1') : s3Region;
  return new S3Client({
    ...(!isAws && { endpoint: s3Endpoint }),
    ...(region !== undefined && { region }),
    forcePathStyle: s3PathStyle === 'auto' ? !isAws : s3PathStyle === 'on',
    // Some services refuse newer kinds of checksums. The signature covers the bytes in any case.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: IDLE_MS },
    logger,
  });
}
