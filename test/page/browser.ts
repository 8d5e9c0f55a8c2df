// A real Chromium with the page in it, as a person would use it.
import { access, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from 'playwright-core';

/** Where Debian, other distributions and people put it. */
const PLACES = [
  process.env.CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
/** Where pictures of the page go. */
const SHOTS = process.env.PAGE_SHOTS ?? join(tmpdir(), 'tessera-page');
const PATIENCE_MS = 30_000;

/** Returns the path of the Chromium on this machine, or null. */
export async function findChromium(): Promise<string | null> {
  for (const path of PLACES) {
    const isThere = await access(path).then(
      () => path !== '',
      () => false,
    );
    if (isThere) return path;
  }
  return null;
}

export async function launch(executablePath: string): Promise<Browser> {
  // Chromium's sandbox does not work for root or in most containers.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/**
 * Opens a window with one tab at `url`. The visits are further tabs, opened from the first, because Chromium lets those share
 * a process if they are at the same host. Otherwise each would start one, which takes longer than most tests.
 */
export async function openWindow(browser: Browser, url: string): Promise<BrowserContext> {
  const window = await browser.newContext({
    viewport: { width: 1280, height: 940 },
    colorScheme: 'light',
    reducedMotion: 'reduce',
  });
  window.setDefaultTimeout(PATIENCE_MS);
  await (await window.newPage()).goto(url);
  return window;
}

/** A file to upload. */
export interface Upload {
  name: string;
  bytes: Buffer;
}

/** The page in a tab of its own, with a session of its own. */
export class Visit {
  readonly page: Page;
  /** What the browser reported: uncaught errors, and what the page's policy does not allow. */
  readonly complaints: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      // Every refused request is reported, even where the page expects it.
      const isExpected = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !isExpected) this.complaints.push(message.text());
    });
  }

  static async open(window: BrowserContext, url: string): Promise<Visit> {
    const [first] = window.pages();
    const [page] = await Promise.all([
      first.waitForEvent('popup'),
      first.evaluate(() => void open('about:blank')),
    ]);
    const visit = new Visit(page);
    await page.goto(url);
    return visit;
  }

  async close(): Promise<void> {
    await this.page.close();
  }

  /** The part of the page about one picture. */
  card(name: string): Locator {
    return this.page.getByRole('article', { name });
  }

  /** The pipeline's numbers, workers and dead letters. */
  get pipeline(): Locator {
    return this.page.getByRole('complementary');
  }

  async choose(...files: Upload[]): Promise<void> {
    await this.page.getByLabel('Choose pictures').setInputFiles(files.map(asPayload));
  }

  /** Drops files on the page. */
  async drop(...files: Upload[]): Promise<void> {
    const given = files.map(({ name, bytes }) => ({ name, text: bytes.toString('base64') }));
    const dataTransfer = await this.page.evaluateHandle((dropped) => {
      const transfer = new DataTransfer();
      for (const { name, text } of dropped) {
        const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
        transfer.items.add(new File([bytes], name));
      }
      return transfer;
    }, given);
    await this.page.dispatchEvent('body', 'drop', { dataTransfer });
  }

  /** Returns the file that a link downloads, and its name. */
  async download(act: () => Promise<void>): Promise<{ name: string; path: string }> {
    const [download] = await Promise.all([this.page.waitForEvent('download'), act()]);
    return { name: download.suggestedFilename(), path: await download.path() };
  }

  /** Presses Tab until the element has the focus. */
  async tabTo(element: Locator): Promise<void> {
    const mostStops = 60;
    for (let stop = 0; stop < mostStops; stop++) {
      await this.page.keyboard.press('Tab');
      if (await element.evaluate((each) => each === document.activeElement)) return;
    }
    throw new Error(`Tab does not reach ${String(element)}`);
  }

  /** Returns what is seriously wrong for people with disabilities, in light and in dark. */
  async barriers(): Promise<string[]> {
    const found: string[] = [];
    await this.page.evaluate(axe.source);
    for (const colorScheme of ['light', 'dark'] as const) {
      await this.page.emulateMedia({ colorScheme });
      const { violations } = await this.page.evaluate(async () =>
        (globalThis as unknown as { axe: typeof axe }).axe.run({ resultTypes: ['violations'] }),
      );
      for (const { id, impact, nodes } of violations) {
        if (impact === 'serious' || impact === 'critical')
          found.push(
            ...nodes.map(({ html, failureSummary }) => `${colorScheme} ${id}: ${html} ${failureSummary}`),
          );
      }
    }
    await this.page.emulateMedia({ colorScheme: 'light' });
    return found;
  }

  /** Keeps a picture of the page. Returns the width that the page needs: more than its window's, if it has to be scrolled sideways. */
  async shoot(name: string, options: { isDark?: boolean; isNarrow?: boolean } = {}): Promise<number> {
    await mkdir(SHOTS, { recursive: true });
    const { isDark = false, isNarrow = false } = options;
    await this.page.emulateMedia({ colorScheme: isDark ? 'dark' : 'light' });
    if (isNarrow) await this.page.setViewportSize({ width: 360, height: 740 });
    await this.page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: isNarrow });
    const widthPx = await this.page.evaluate(() => document.documentElement.scrollWidth);
    await this.page.emulateMedia({ colorScheme: 'light' });
    if (isNarrow) await this.page.setViewportSize({ width: 1280, height: 940 });
    return widthPx;
  }
}

function asPayload({ name, bytes }: Upload) {
  return { name, mimeType: name.endsWith('.jpg') ? 'image/jpeg' : 'image/png', buffer: bytes };
}
