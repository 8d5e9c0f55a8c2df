import { describe, expect, it } from 'vitest';
import { Problem } from '../errors.ts';
import { isFromReplica, isOutOfMemory, redisFault, redisProblem } from './faults.ts';

const errors: [message: string, fault: string | null][] = [
  ['BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.', 'BUSY'],
  ['LOADING Redis is loading the dataset in memory', 'LOADING'],
  ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 'MASTERDOWN'],
  ['MISCONF Errors writing to the AOF file: No space left on device', 'MISCONF'],
  ['NOAUTH Authentication required.', 'NOAUTH'],
  ["NOPERM User blur has no permissions to run the 'eval' command", 'NOPERM'],
  ["ERR The user executing the script can't run this command or subcommand script: 06…", 'NOPERM'],
  ['NOREPLICAS Not enough good replicas to write.', 'NOREPLICAS'],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'OOM'],
  ['READONLY You can not run script with write flag on readonly replica.', 'READONLY'],
  ['UNBLOCKED force unblock from blocking operation, instance state changed', 'UNBLOCKED'],
  ['WRONGPASS invalid username-password pair or user is disabled.', 'WRONGPASS'],
  [
    "EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica.",
    'READONLY',
  ],
  ['Connection is closed.', 'unreachable'],
  ['Command aborted due to connection close', 'unreachable'],
  ["Stream isn't writeable and enableOfflineQueue options is false", 'unreachable'],
  ["Socket timeout. Expecting data, but didn't receive any in 10000ms.", 'unreachable'],
  ['getaddrinfo ENOTFOUND redis', 'unreachable'],
  ['ERR max number of clients reached', 'unreachable'],
  ['EXECABORT Transaction discarded because of previous errors.', null],
  ['BUSYKEY Target key name already exists.', null],
  ['WRONGTYPE Operation against a key holding the wrong kind of value', null],
  ["ERR unknown command 'OOM'", 'UNKNOWN'],
  ["ERR unknown command 'evalsha', with args beginning with: '0f7' '1'", 'UNKNOWN'],
  ['ERR unknown command `EVAL`, with args beginning with: `return 1`', 'UNKNOWN'],
  ['ERR Unknown Redis command called from script script: 06…', 'UNKNOWN'],
  ["ERR unknown subcommand 'X'. Try CLIENT HELP.", null],
];

describe('redisFault', () => {
  it.each(errors)('reads %j as %j', (message, fault) => {
    expect(redisFault(new Error(message))).toBe(fault);
  });

  it('checks what was refused inside a transaction', () => {
    const refused = new Error('EXECABORT Transaction discarded because of previous errors.');
    Object.assign(refused, { previousErrors: [new Error('OOM command not allowed')] });
    expect(redisFault(refused)).toBe('OOM');
    expect(isOutOfMemory(refused)).toBe(true);
  });

  it('recognises a connection fault by its code', () => {
    expect(redisFault(Object.assign(new Error(), { code: 'ECONNREFUSED' }))).toBe('unreachable');
  });

  it('recognises no other error as a Redis fault', () => {
    expect(redisFault('READONLY')).toBeNull();
    expect(redisFault(new Problem('not-found', 'LOADING dock.png is not here.'))).toBeNull();
  });
});

describe('isFromReplica', () => {
  it.each(errors)('judges %j by its fault', (message, fault) => {
    const wanted = fault === 'MASTERDOWN' || fault === 'READONLY' || fault === 'UNBLOCKED';
    expect(isFromReplica(new Error(message))).toBe(wanted);
  });
});

describe('redisProblem', () => {
  const answered = errors.filter(([, fault]) => fault !== null);
  it.each(answered)('tells a caller when to retry after %j', (message, fault) => {
    const error = new Error(message);
    const problem = redisProblem(error) as Problem;
    expect(problem).toMatchObject({ status: fault === 'OOM' ? 429 : 503, cause: error });
    expect(problem.retryAfterSeconds).toBeGreaterThan(0);
  });

  it('leaves other errors unchanged', () => {
    const error = new TypeError('x is not a y');
    expect(redisProblem(error)).toBe(error);
  });
});
