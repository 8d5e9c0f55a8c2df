// Asks split again and again while the page is visible.
import { signal } from '@preact/signals';
import { announce } from './announcements.ts';
import { Away, Refusal } from './faults.ts';
import { isBusy, look } from './look.ts';
import { nextPauseMs } from './pace.ts';
import { expectChange, unchangedMs } from './seen.ts';

/** Whether split answers; `asleep`: nothing was in progress for a while, so the page does not ask. */
export const link = signal<'connecting' | 'up' | 'away' | 'asleep'>('connecting');

let timer: ReturnType<typeof setTimeout> | null = null;
let isLooking = false;
let failures = 0;

/** Asks now, and often from now on. */
export function wake(): void {
  expectChange();
  if (!isLooking) void lookNow();
}

/** Starts asking. */
export function startWatching(): void {
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) pause();
    else wake();
  });
  addEventListener('online', wake);
  for (const event of ['pointerdown', 'pointermove', 'keydown', 'focus']) {
    addEventListener(event, () => {
      if (link.peek() === 'asleep') wake();
    });
  }
  wake();
}

function pause(): void {
  if (timer !== null) clearTimeout(timer);
  timer = null;
}

async function lookNow(): Promise<void> {
  pause();
  if (document.hidden) return;
  isLooking = true;
  try {
    await look();
    failures = 0;
    if (link.peek() === 'away') announce('Tessera answers again.');
    link.value = 'up';
  } catch (error) {
    if (!(error instanceof Away || error instanceof Refusal)) throw error;
    failures++;
    if (link.peek() === 'up') announce('Tessera does not answer. Trying again.');
    link.value = 'away';
  } finally {
    isLooking = false;
    lookLater();
  }
}

function lookLater(): void {
  if (document.hidden) return;
  const ms = nextPauseMs({ isBusy: isBusy(), unchangedMs: unchangedMs(), failures });
  if (ms === null) link.value = 'asleep';
  else timer = setTimeout(() => void lookNow(), ms);
}
