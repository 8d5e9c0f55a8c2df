// A terminal in memory for tests, which shows what was drawn. It is xterm.js, which wraps lines again when it becomes
// narrower.
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

  /** Changes the width, as a user does. Earlier output must have been processed before: see {@link lines}. */
  resize(columns: number): void {
    this.#terminal.resize(columns, this.stream.rows);
    this.stream.columns = columns;
    this.stream.emit('resize');
  }

  /** Returns every line that is or was on the screen, without the empty ones at the end, after all output was processed. */
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

/** The environment of a terminal with colours. The real environment may switch them off. */
function getColorDepth(): number {
  return WriteStream.prototype.getColorDepth({ ...process.env, TERM: 'xterm-256color' });
}
