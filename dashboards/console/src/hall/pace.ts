// Flood: new rows enter at most four a second, so that a person can read; Ⅰ and Ⅱ enter at once; the rest is counted.
import type { Row } from './group';

/** Rows a second that a person can still take in (console.md §2.2). */
export const INSERTIONS_PER_S = 4;

export interface Pace {
  readonly admitted: ReadonlySet<string>;
  /** Rows that may enter now; at most one second's worth. */
  readonly credit: number;
  readonly at: number;
}

export interface Paced {
  readonly pace: Pace;
  readonly rows: Row[];
  readonly waiting: number;
}

/** Everything that stands when a flood begins is admitted. */
export const openPace = (rows: readonly Row[], now: number): Pace => ({
  admitted: new Set(rows.map((r) => r.key)), credit: INSERTIONS_PER_S, at: now,
});

/** `urgent` says which rows never wait; `now` in ms. */
export function pace(state: Pace, rows: readonly Row[], urgent: (row: Row) => boolean, now: number): Paced {
  let credit = Math.min(INSERTIONS_PER_S, state.credit + (Math.max(0, now - state.at) / 1000) * INSERTIONS_PER_S);
  const admitted = new Set<string>();
  const shown: Row[] = [];
  let waiting = 0;
  for (const row of rows) {
    const fold = row.kind === 'fold';
    if (fold && shown.at(-1)?.group !== row.group) continue; // its lead still waits, and is counted
    const free = fold || state.admitted.has(row.key) || urgent(row);
    if (!free && credit < 1) {
      waiting += 1;
      continue;
    }
    if (!free) credit -= 1;
    admitted.add(row.key);
    shown.push(row);
  }
  return { pace: { admitted, credit, at: now }, rows: shown, waiting };
}
