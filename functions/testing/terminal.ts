// A terminal in memory for tests, to look at what was drawn: xterm.js, which wraps lines anew when it becomes narrower.
import { Writable } from 'node:stream';
import { WriteStream } from 'node:tty';
import xterm from '@xterm/headless';

const SCROLLBACK = 10_000;

export class FakeTerminal {
  readonly #terminal: xterm.Terminal;
  /** To write to. */
  readonly stream: WriteStream;
  /** All that was written, with its control sequences. */
  written = '';

  constructor(columns: number, rows: number) {
    const options = { cols: columns, rows, scrollback: SCROLLBACK, convertEol: true, allowProposedApi: true };
    this.#terminal = new xterm.Terminal(options);
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.written += chunk.toString();
        this.#terminal.write(chunk);
        done();
      },
    });
    const terminal = { isTTY: true, columns, rows, getColorDepth };
    this.stream = Object.assign(stream, terminal) as unknown as WriteStream;
  }

  /** Changes the width, as the user does. What was written before must have been taken in: see {@link lines}. */
  resize(columns: number): void {
    this.#terminal.resize(columns, this.stream.rows);
    this.stream.columns = columns;
    this.stream.emit('resize');
  }

  /** Every line that is or was on the screen, without the empty ones at the end. It waits by a timer for what was written. */
  async lines(): Promise<string[]> {
    await new Promise<void>((resolve) => this.#terminal.write('', resolve));
    const { active } = this.#terminal.buffer;
    const lines = Array.from(
      { length: active.length },
      (_, at) => active.getLine(at)?.translateToString(true) ?? '',
    );
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }
}

/** As a terminal with colours has it: the environment may say that they are not wanted. */
function getColorDepth(): number {
  return WriteStream.prototype.getColorDepth({ ...process.env, TERM: 'xterm-256color' });
}
