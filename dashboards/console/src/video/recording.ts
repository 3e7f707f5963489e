// A stretch of time of one camera, for the playback page. Pure.
import type { Recordings } from '../api/types';

export interface Span {
  readonly t0: number;
  readonly t1: number;
}
export interface Gap extends Span {
  readonly zh: string;
  readonly en: string;
  readonly open: boolean;
}

/** Recorded stretches, oldest first; files that follow each other are one. µs. */
export function recordedSpans(r: Recordings): Span[] {
  const spans: Span[] = [];
  for (const s of [...r.segments].sort((a, b) => a.t0 - b.t0)) {
    const last = spans.at(-1);
    if (last && s.t0 - last.t1 <= SEAM_US) spans[spans.length - 1] = { t0: last.t0, t1: Math.max(last.t1, s.t1) };
    else spans.push({ t0: s.t0, t1: s.t1 });
  }
  return spans;
}
/** Two files less than this apart show no seam, µs. */
const SEAM_US = 100_000;

export const gapsOf = (r: Recordings): Gap[] =>
  r.gaps.map((g) => ({ t0: Math.max(g.t0, r.from), t1: g.t1 ?? r.to, zh: g.reason.zh, en: g.reason.en, open: g.t1 == null })).filter((g) => g.t1 > g.t0);

export const spanAt = (spans: readonly Span[], at: number): Span | undefined => spans.find((s) => s.t0 <= at && at < s.t1);

/** Where playing begins that was asked for at `at`: there, or at the next recording; null: nothing follows. */
export function playFrom(spans: readonly Span[], at: number): number | null {
  return spanAt(spans, at) ? at : (spans.find((s) => s.t0 >= at)?.t0 ?? null);
}
