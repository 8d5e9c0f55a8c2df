import { beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '../log.ts';
import { FaultLog } from './fault-log.ts';

let lines: string[];
let faults: FaultLog;

beforeEach(() => {
  lines = [];
  const write = (severity: string) => (message: string) => {
    lines.push(`${severity} ${message}`);
  };
  const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  faults = new FaultLog(log);
});

const busy = new Error('BUSY Redis is busy running a script.');
const away = new Error('connect ECONNREFUSED 127.0.0.1:6379');

describe('a fault log', () => {
  it('tells of a fault once, wherever and however often it is met, and once that it is over', () => {
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

  it('tells of each change from one fault to another', () => {
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

  it('takes all that a replica says for one fault', () => {
    faults.met('Redis', new Error("READONLY You can't write against a read only replica."));
    faults.met('No tile can be claimed', new Error('MASTERDOWN Link with MASTER is down'));
    expect(lines).toEqual(['warn Redis refuses commands']);
  });

  it('tells of a fault again that comes back', () => {
    faults.met('Redis', busy);
    faults.over('Redis');
    faults.met('Redis', busy);
    expect(lines.filter((line) => line === 'warn Redis refuses commands').length).toBe(2);
  });

  it('tells what cannot be done when the fault is none of Redis, and tells it once too', () => {
    for (let times = 0; times < 3; times++)
      faults.met('No tile can be claimed', new TypeError('x is not a y'));
    expect(lines).toEqual(['error No tile can be claimed']);
  });
});
