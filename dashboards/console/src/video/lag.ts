// How late pictures are: from the server's receiving to the screen, by the server's clock.
import { skewMs } from '../live/clock';

/** Pictures over which the shown figure is taken. */
const WINDOW = 25;
/** The shown figure changes at most so often, ms. */
const SHOWN_EVERY_MS = 500;

/** Server clock minus this computer's, ms: the largest of the last minute, for a frame that took its time makes it smaller. */
let best: { ms: number; at: number } | null = null;
function skew(nowMs: number): number {
  const ms = skewMs.value;
  if (ms !== null && (best === null || ms > best.ms || nowMs - best.at > 60_000)) best = { ms, at: nowMs };
  // Within a fraction of a frame the clocks are one: the same computer, or one that is kept in time.
  return best === null || Math.abs(best.ms) < 10 ? 0 : best.ms;
}

export class Lag {
  private last: number[] = [];
  private shown: number | null = null;
  private shownAt = 0;

  clear(): void {
    this.last = [];
    this.shown = null;
  }

  /** Takes one picture; answers the figure to show: the 90th of a hundred, ms. */
  add(receivedMs: number, shownMs: number): number | null {
    if (receivedMs <= 0) return this.shown;
    this.last.push(shownMs + skew(shownMs) - receivedMs);
    if (this.last.length > WINDOW) this.last.shift();
    if (shownMs - this.shownAt < SHOWN_EVERY_MS) return this.shown;
    this.shownAt = shownMs;
    const sorted = [...this.last].sort((a, b) => a - b);
    this.shown = Math.max(0, sorted[Math.floor(sorted.length * 0.9)] ?? 0);
    return this.shown;
  }
}
