// The terminal output of a run: lines that stay, and below them a few that are redrawn. Without a terminal,
// only the lines that stay.
import type { WriteStream } from 'node:tty';
import { stripVTControlCharacters, styleText } from 'node:util';
import { createLogUpdate } from 'log-update';
import { columnsOf } from './columns.ts';
import type { Paint } from './progress-lines.ts';

/** Redrawn ten times per second at first, and less often later, so that a long run does not write megabytes. */
const FASTEST_MS = 100;
const SLOWEST_MS = 5000;
const SLOWER_BY = 1 / 50;
/** Rows that are kept free for the lines above. */
const ROWS_LEFT = 3;
const NARROWEST = 20;

/** Returns the lines to draw, at most `rows` of at most `columns`. */
export type Draw = (columns: number, rows: number) => string[];

export class Screen {
  readonly #out: WriteStream;
  readonly #draw: Draw;
  readonly #update: ReturnType<typeof createLogUpdate>;
  readonly #startedAt = performance.now();
  readonly isLive: boolean;
  #kept: string[] = [];
  #drawn: string[] = [];
  #timer: NodeJS.Timeout | null = null;
  readonly #resized = () => this.#drawAtNewWidth();

  constructor(out: WriteStream, draw: Draw) {
    this.#out = out;
    this.#draw = draw;
    // A terminal without a known size cannot be drawn on.
    this.isLive = out.isTTY && out.columns > 0 && process.env.TERM !== 'dumb';
    this.#update = createLogUpdate(out, { showCursor: true });
    if (this.isLive) out.on('resize', this.#resized);
  }

  /** The width of the terminal; undefined without one. */
  get columns(): number | undefined {
    return this.isLive ? this.#out.columns : undefined;
  }

  /** Colours text if the output is a terminal that supports it, or if `FORCE_COLOR` requires it. */
  readonly paint: Paint = (style, text) => styleText(style, text, { stream: this.#out });

  /** Prints a line that stays, above those that are redrawn. */
  keep(line: string): void {
    this.#kept.push(line);
    if (this.isLive) this.changed();
    else this.#flush();
  }

  /** Schedules a redraw. */
  changed(): void {
    if (!this.isLive || this.#timer) return;
    const slower = (performance.now() - this.#startedAt) * SLOWER_BY;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#redraw();
      },
      Math.min(SLOWEST_MS, Math.max(FASTEST_MS, slower)),
    );
  }

  /** Prints the lines that stay and removes the rest. */
  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.isLive) {
      this.#out.off('resize', this.#resized);
      this.#clear();
    }
    this.#flush();
  }

  #redraw(): void {
    const { columns, rows } = this.#out;
    this.#out.cork(); // One write, so that no half-drawn screen is visible.
    if (this.#kept.length > 0) {
      this.#clear();
      this.#flush();
    }
    // A line as wide as the terminal would make it scroll.
    const lines = this.#draw(Math.max(NARROWEST, columns - 1), Math.max(1, rows - ROWS_LEFT));
    this.#update(lines.join('\n'));
    this.#out.uncork();
    this.#drawn = lines;
  }

  #clear(): void {
    if (this.#drawn.length > 0) this.#update.clear();
    this.#drawn = [];
  }

  #flush(): void {
    if (this.#kept.length > 0) this.#out.write(`${this.#kept.join('\n')}\n`);
    this.#kept = [];
  }

  /** When a terminal has become narrower, earlier lines have wrapped, which `log-update` does not know. */
  #drawAtNewWidth(): void {
    const { columns } = this.#out;
    const rowsOf = (line: string) => Math.ceil(columnsOf(stripVTControlCharacters(line)) / columns);
    const wrapped = this.#drawn.reduce((sum, line) => sum + Math.max(0, rowsOf(line) - 1), 0);
    this.#clear();
    if (wrapped > 0) this.#out.write(`\u001B[${wrapped}A\u001B[J`);
    this.#redraw();
  }
}
