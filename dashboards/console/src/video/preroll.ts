// Which stretch of a clip is shown beside an alarm. Pure. µs of the server's clock.
import type { Clip } from '../api/types';

const EARLY_US = 30e6;
export const LATE_US = 10e6;
/** The newest fragment may still be on its way to the disk. */
const UNWRITTEN_US = 300_000;

export function clipStretch(clip: Pick<Clip, 't0' | 't1'>, raisedAt: number, now: number): { from: number; to: number } {
  const from = Math.max(clip.t0, raisedAt - EARLY_US);
  const to = Math.min(clip.t1, now - UNWRITTEN_US, raisedAt + LATE_US);
  return { from: Math.round(from), to: Math.round(Math.max(to, from + 1)) };
}

/** Seconds before (negative) or after the alarm. */
export const offsetOf = (from: number, seconds: number, raisedAt: number): number => (from - raisedAt) / 1e6 + seconds;
