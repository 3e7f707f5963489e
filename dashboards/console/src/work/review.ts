// The review of an incident (X3): when there is one, and its gaps as bars on one scale.
import type { Review, WorkItem } from '../api/work';

/** States in which a response is over. */
const OVER: readonly string[] = ['terminated', 'aftermath', 'review', 'archived'];
export const isOver = (item: Pick<WorkItem, 'kind' | 'state'>): boolean => item.kind === 'incident' && OVER.includes(item.state);

type Gap = Review['gaps'][number];
export interface GapBar { readonly range: Style; readonly took: Style; readonly target: Style }
type Style = Readonly<Record<string, string>>;

/** This gap, its target and the range of the past; the longest of them fills the row. */
export function gapBar(gap: Pick<Gap, 's' | 'target_s' | 'past'>): GapBar {
  const most = Math.max(gap.s, gap.target_s ?? 0, gap.past?.most_s ?? 0, 1);
  const at = (s: number): string => `${((Math.max(s, 0) / most) * 100).toFixed(1)}%`;
  const none = { display: 'none' };
  return {
    took: { left: '0', width: at(gap.s) },
    target: gap.target_s == null ? none : { left: at(gap.target_s) },
    range: gap.past ? { left: at(gap.past.least_s), width: at(gap.past.most_s - gap.past.least_s) } : none,
  };
}
