// Colour of a deadline from the deadline alone (D2): the same item at the same time looks the same everywhere.
import type { Deadline, WorkItem } from '../api/work';

export type Tone = 'late' | 'soon' | 'calm';

/** The last quarter of its time, but never less than half a minute nor more than a day before, µs. */
const SHARE = 4;
const SOON_MIN_US = 30e6;
const SOON_MAX_US = 86_400e6;

export function toneOf(deadline: Deadline, createdAt: number, now: number): Tone {
  const left = deadline.at - now;
  if (left <= 0) return 'late';
  const window = Math.max(0, deadline.at - createdAt) / SHARE;
  return left <= Math.min(SOON_MAX_US, Math.max(SOON_MIN_US, window)) ? 'soon' : 'calm';
}

/** The one that runs out first; an ended item has none. */
export function nextDeadline(item: WorkItem): Deadline | null {
  if (item.ended) return null;
  return item.deadlines.reduce<Deadline | null>((first, d) => (first === null || d.at < first.at ? d : first), null);
}

export function itemTone(item: WorkItem, now: number): Tone {
  const next = nextDeadline(item);
  return next ? toneOf(next, item.created_at, now) : 'calm';
}

export const isOverdue = (item: WorkItem, now: number): boolean => itemTone(item, now) === 'late';

/** Late ones first, then what runs out first, then the newest. */
export function compareUrgency(a: WorkItem, b: WorkItem): number {
  const at = (x: WorkItem): number => nextDeadline(x)?.at ?? Infinity;
  const [left, right] = [at(a), at(b)];
  return left === right ? b.created_at - a.created_at : left - right;
}
