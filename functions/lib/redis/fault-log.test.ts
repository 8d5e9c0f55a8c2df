import { beforeEach, describe, expect, it } from 'vitest';
import { Problem } from '../errors.ts';
import type { Log } from '../log.ts';
import { FaultLog } from './fault-log.ts';

let lines: string[];
let faults: FaultLog;
/** What the clock shows. */
let nowMs: number;

beforeEach(() => {
  lines = [];
  const write = (severity: string) => (message: string) => {
    lines.push(`${severity} ${message}`);
  };
  const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  nowMs = 0;
  faults = new FaultLog(log, () => nowMs);
});

const busy = new Error('BUSY Redis is busy running a script.');
/** What a request wants. */
const UPLOAD = 'POST /';
const away = new Error('connect ECONNREFUSED 127.0.0.1:6379');

describe('a fault log', () => {
  it('logs a fault once, wherever and however often it occurs, and once when it is over', () => {
    for (let times = 0; times < 3; times++) {
      faults.met('No tile can be claimed', busy);
      faults.met('The outbox cannot be read', busy);
    }
    faults.over('No tile can be claimed');
    faults.over('No tile can be claimed');
    expect(lines).toEqual(['warn Redis refuses commands']);
    faults.over('The outbox cannot be read');
    expect(lines).toEqual(['warn Redis refuses commands', 'info Redis is back']);
  });

  it('logs each change from one fault to another', () => {
    faults.met('Redis', away);
    faults.met('Redis', busy);
    faults.met('Redis', new Error('BUSY in other words'));
    faults.met('Redis', away);
    expect(lines).toEqual([
      'warn Redis cannot be reached',
      'warn Redis refuses commands',
      'warn Redis cannot be reached',
    ]);
  });

  it('treats all errors of a replica as one fault', () => {
    faults.met('Redis', new Error("READONLY You can't write against a read only replica."));
    faults.met('No tile can be claimed', new Error('MASTERDOWN Link with MASTER is down'));
    expect(lines).toEqual(['warn Redis refuses commands']);
  });

  it('logs a fault again when it comes back', () => {
    faults.met('Redis', busy);
    faults.over('Redis');
    faults.met('Redis', busy);
    expect(lines.filter((line) => line === 'warn Redis refuses commands').length).toBe(2);
  });

  it('logs a fault that is not from Redis as what failed, also once', () => {
    for (let times = 0; times < 3; times++)
      faults.met('No tile can be claimed', new TypeError('x is not a y'));
    expect(lines).toEqual(['error No tile can be claimed']);
  });
});

describe('a fault that requests meet', () => {
  const refused = (cause: unknown) => new Problem('queue-unavailable', 'Redis is away.', { cause });

  it('is told once, whether a request or the heartbeat meets it first', () => {
    for (let times = 0; times < 3; times++) faults.metByRequest(UPLOAD, refused(away));
    faults.met('Redis', away);
    for (let times = 0; times < 3; times++) faults.metByRequest(UPLOAD, refused(away));
    expect(lines).toEqual(['warn Redis cannot be reached']);
    faults.over('Redis');
    faults.met('Redis', busy);
    faults.metByRequest(UPLOAD, refused(busy));
    expect(lines).toEqual([
      'warn Redis cannot be reached',
      'info Redis is back',
      'warn Redis refuses commands',
    ]);
  });

  it('is told again when it comes back', () => {
    faults.metByRequest(UPLOAD, refused(away));
    faults.met('Redis', away);
    faults.over('Redis');
    faults.metByRequest(UPLOAD, refused(away));
    expect(lines.filter((line) => line === 'warn Redis cannot be reached').length).toBe(2);
  });

  it('is told once a minute while some commands are refused and others are not', () => {
    const forbidden = refused(new Error('NOPERM this user has no permissions to run the command'));
    for (nowMs = 0; nowMs < 180_000; nowMs += 1000) faults.metByRequest(UPLOAD, forbidden);
    expect(lines).toEqual(Array(3).fill('warn Redis refuses commands'));
  });

  it('is not told while another stands, which may be its cause', () => {
    faults.met('Redis', new Error("READONLY You can't write against a read only replica."));
    faults.metByRequest(UPLOAD, refused(new Error('Connection is closed.')));
    expect(lines).toEqual(['warn Redis refuses commands']);
  });

  describe('while the heartbeat succeeds', () => {
    const told = ['warn Redis refuses commands'];
    const forbidden = refused(new Error('NOPERM this user has no permissions to run the command'));
    /** A heartbeat, `seconds` later. */
    const beatAfter = (seconds: number) => {
      nowMs += seconds * 1000;
      faults.over('Redis');
    };

    it('is told once to be over, when such requests succeed and none has failed for seconds', () => {
      faults.metByRequest(UPLOAD, forbidden);
      beatAfter(10);
      expect(lines).toEqual(told);
      faults.requestSucceeded(UPLOAD);
      beatAfter(1);
      beatAfter(100);
      expect(lines).toEqual([...told, 'info Redis is back']);
    });

    it('is not over because other requests succeed', () => {
      faults.metByRequest(UPLOAD, forbidden);
      faults.requestSucceeded('GET /images');
      beatAfter(10);
      expect(lines).toEqual(told);
    });

    it('is not over while some such requests succeed and others fail', () => {
      for (let times = 0; times < 20; times++) {
        faults.requestSucceeded(UPLOAD);
        faults.metByRequest(UPLOAD, forbidden);
        faults.requestSucceeded(UPLOAD);
        beatAfter(1);
      }
      expect(lines).toEqual(told);
    });

    it('of a disk says when requests succeed again', () => {
      const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
      faults.metByRequest(UPLOAD, new Problem('storage-unavailable', 'Full.', { cause: full }));
      faults.requestSucceeded(UPLOAD);
      beatAfter(10);
      expect(lines).toEqual(['error Requests fail', 'info Requests succeed again']);
    });
  });

  it('is told while Redis is at its memory limit, which is not its cause', () => {
    faults.met('Redis memory', new Error('OOM command not allowed'));
    faults.metByRequest(UPLOAD, new Problem('over-budget', 'Full.', { cause: new Error('OOM elsewhere') }));
    faults.metByRequest(UPLOAD, refused(new Error('NOPERM')));
    expect(lines).toEqual(Array(2).fill('warn Redis refuses commands'));
  });

  it('is one for all files of a disk', () => {
    for (const name of ['a.png', 'b.png']) {
      const full = Object.assign(new Error(`ENOSPC: no space left, open ${name}`), { code: 'ENOSPC' });
      faults.metByRequest(
        UPLOAD,
        new Problem('storage-unavailable', `${name} cannot be written.`, { cause: full }),
      );
    }
    expect(lines).toEqual(['error Requests fail']);
  });

  it('is not told by a request that was refused because it is known', () => {
    faults.metByRequest(UPLOAD, new Problem('queue-unavailable', 'Redis is away.'));
    expect(lines).toEqual([]);
  });
});
