// One axis for what was recorded by itself and what was pinned by hand.
import type { TimelineRow, WorkItem } from '../api/work';
import type { Pin } from './incident';

/** Kind of a row that a person put there. */
export const PINNED = 'pinned';

/** Newest first; the pinning itself is not told a second time. */
export function withPins(rows: readonly TimelineRow[], pins: readonly Pin[], item: WorkItem): TimelineRow[] {
  const texts = new Set(pins.map((p) => p.text));
  const repeats = (r: TimelineRow): boolean => r.ref === item.id && [...texts].some((text) => r.text_zh.endsWith(`：${text}`));
  const pinned = pins.map((p): TimelineRow => ({ at: p.at, seq: item.seq, kind: PINNED, ref: '', text_zh: p.text, text_en: p.text, actor: p.by, provenance: item.provenance }));
  return [...rows.filter((r) => !repeats(r)), ...pinned].sort((a, b) => b.at - a.at || b.seq - a.seq);
}
