// What goes wrong in a soak besides killed workers: Redis restarts or forgets its scripts, connections are cut, split or
// assemble is killed.
import type { Rig } from './rig.ts';

export interface AccidentCounts {
  connectionsCut: number;
  redisKilled: number;
  scriptsFlushed: number;
  assembleKilled: number;
  splitKilled: number;
}

export class Accidents {
  /** How often each accident has happened. */
  readonly counts: AccidentCounts = {
    connectionsCut: 0,
    redisKilled: 0,
    scriptsFlushed: 0,
    assembleKilled: 0,
    splitKilled: 0,
  };
  readonly #rig: Rig;
  /** They happen one after another. */
  #last: Promise<void> = Promise.resolve();

  constructor(rig: Rig) {
    this.#rig = rig;
  }

  /** Something else goes wrong after some of the workers' deaths. `deaths`: how many there have been so far. */
  afterDeath(deaths: number): void {
    const accidents = [
      { every: 100, at: 50, happen: () => this.#restartRedis() },
      { every: 50, at: 10, happen: () => this.#killSplit() },
      { every: 50, at: 25, happen: () => this.#killAssemble() },
      { every: 25, at: 5, happen: () => this.#cutEveryone() },
      { every: 25, at: 15, happen: () => this.#flushScripts() },
    ];
    for (const { every, at, happen } of accidents) {
      if (deaths % every === at) this.#last = this.#last.then(happen);
    }
  }

  /** Resolves when the last accident is over. */
  settled(): Promise<void> {
    return this.#last;
  }

  async #restartRedis(): Promise<void> {
    await this.#rig.redisServer.kill();
    await this.#rig.redisServer.restart();
    this.counts.redisKilled++;
  }

  async #killSplit(): Promise<void> {
    const { split } = this.#rig;
    await this.#rig.remove([split]);
    await this.#rig.startSplit();
    this.counts.splitKilled++;
  }

  async #killAssemble(): Promise<void> {
    const { assemble } = this.#rig;
    await this.#rig.remove([assemble]);
    await this.#rig.startAssemble();
    this.counts.assembleKilled++;
  }

  async #cutEveryone(): Promise<void> {
    await this.#rig.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    this.counts.connectionsCut++;
  }

  async #flushScripts(): Promise<void> {
    await this.#rig.redis.script('FLUSH');
    this.counts.scriptsFlushed++;
  }
}
