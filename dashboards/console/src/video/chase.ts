// How a player stays at the live edge. Pure: what is buffered and where it plays in, what to do out.

/** Further behind than this, it jumps (video.md §7), s. */
export const JUMP_BEHIND_S = 0.5;
/** After a jump it stands so far behind the edge, s. */
const EDGE_S = 0.04;
/** Beyond this it plays faster, s; the picture of a frame at 25 a second ends 0.04 s after it began. */
const FAST_BEHIND_S = 0.09;
const FAST_RATE = 1.1;
/** Played media that is kept, s, and when it is thrown away. */
const KEPT_S = 4;
const THROW_S = 12;

export interface Chase {
  /** Where to jump, s; null: stay. */
  readonly seek: number | null;
  readonly rate: number;
  /** Throw away what is before this, s; null: nothing. */
  readonly removeBefore: number | null;
}

/** `ranges`: begin and end of what is buffered, s. */
export function chase(ranges: readonly (readonly [number, number])[], at: number): Chase {
  const last = ranges.at(-1);
  const first = ranges[0];
  if (!last || !first) return { seek: null, rate: 1, removeBefore: null };
  const [begin, end] = last;
  const behind = end - at;
  const removeBefore = at - first[0] > THROW_S ? at - KEPT_S : null;
  // Before the newest range lies a hole that will never be filled; behind the end there is nothing to wait for.
  if (at < begin || behind > JUMP_BEHIND_S || behind < -JUMP_BEHIND_S) return { seek: Math.max(begin, end - EDGE_S), rate: 1, removeBefore };
  return { seek: null, rate: behind > FAST_BEHIND_S ? FAST_RATE : 1, removeBefore };
}
