// Rows of the list: alarms of one site group stand together, first-out on top, the rest folded behind "+n related".
import type { Alarm } from '../api/types';
import { isUnacknowledged } from './order';

export type Row =
  | { readonly kind: 'alarm'; readonly key: string; readonly id: string; readonly group: string; readonly related: boolean }
  | { readonly kind: 'fold'; readonly key: string; readonly group: string; readonly hidden: readonly string[]; readonly open: boolean };

export interface Grouping {
  readonly on: boolean;
  readonly expanded: ReadonlySet<string>;
  /** Never folded: the selected row and the checked ones. */
  readonly keep: ReadonlySet<string>;
}

export const groupOf = (alarm: Alarm): string => `${alarm.enterprise}/${alarm.group}`;

/** A fold line for one row would save nothing. */
const FOLD_MIN = 2;
/** Nothing dangerous hides in a fold: unacknowledged Ⅰ and Ⅱ always stand by themselves. */
const neverFolded = (alarm: Alarm): boolean => alarm.priority <= 2 && isUnacknowledged(alarm);

export function arrange(sorted: readonly Alarm[], grouping: Grouping): Row[] {
  if (!grouping.on) return sorted.map((a) => alarmRow(a, false));
  const groups = new Map<string, Alarm[]>();
  for (const alarm of sorted) {
    const members = groups.get(groupOf(alarm));
    if (members) members.push(alarm);
    else groups.set(groupOf(alarm), [alarm]);
  }
  // A Map keeps the order of first insertion: a group stands where its most urgent alarm stands.
  return [...groups].flatMap(([key, members]) => rowsOf(key, members, grouping));
}

const alarmRow = (alarm: Alarm, related: boolean): Row => ({
  kind: 'alarm', key: alarm.alarm_id, id: alarm.alarm_id, group: groupOf(alarm), related,
});

/** First-out is the first that tripped, not the worst: it tells the cause. Without a rank the most urgent leads. */
export function leadOf(members: readonly Alarm[]): Alarm | undefined {
  let lead: Alarm | undefined;
  for (const a of members) if (a.first_out > 0 && (!lead || a.first_out < lead.first_out)) lead = a;
  return lead ?? members[0];
}

function rowsOf(key: string, members: readonly Alarm[], grouping: Grouping): Row[] {
  const lead = leadOf(members);
  if (!lead) return [];
  const others = members.filter((a) => a !== lead);
  const foldable = others.filter((a) => !neverFolded(a) && !grouping.keep.has(a.alarm_id));
  const open = grouping.expanded.has(key);
  const folded = foldable.length >= FOLD_MIN && !open ? new Set(foldable) : new Set<Alarm>();
  const rows = [alarmRow(lead, false), ...others.filter((a) => !folded.has(a)).map((a) => alarmRow(a, true))];
  if (foldable.length < FOLD_MIN) return rows;
  return [...rows, { kind: 'fold', key: `fold:${key}`, group: key, hidden: foldable.map((a) => a.alarm_id), open }];
}

export interface Frozen {
  readonly rows: Row[];
  /** Rows that wait until the pointer leaves. */
  readonly held: number;
}

/** While the pointer is over the list, rows keep their places; new ones wait and are counted. */
export function freeze(shown: readonly Row[], next: readonly Row[]): Frozen {
  const byKey = new Map(next.map((r) => [r.key, r]));
  const places = new Set(shown.map((r) => r.key));
  const rows = shown.map((r) => byKey.get(r.key) ?? r);
  const held = next.filter((r) => r.kind === 'alarm' && !places.has(r.key)).length;
  return { rows, held };
}
