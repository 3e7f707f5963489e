// Which alarms a tab shows, in which order: level, then unacknowledged, then newest (console.md §2.2).
import type { Alarm } from '../api/types';
import { alarmState, type Entry, type Hall } from './state';

export const TABS = ['unacknowledged', 'open', 'set_aside', 'closed'] as const;
export type Tab = (typeof TABS)[number];

const SET_ASIDE = new Set<string>(['shelved', 'suppressed_by_design', 'out_of_service']);

export const isUnacknowledged = (a: Alarm): boolean => a.state === 'unacknowledged' || a.state === 'returned_unacknowledged';
export const isSetAside = (a: Alarm): boolean => SET_ASIDE.has(a.state);

export function inTab(alarm: Alarm, tab: Tab): boolean {
  switch (tab) {
    case 'unacknowledged':
      return isUnacknowledged(alarm) || alarmState(alarm.state) !== alarm.state;
    case 'open':
      return !isSetAside(alarm) && alarm.state !== 'normal';
    case 'set_aside':
      return isSetAside(alarm);
    case 'closed':
      return alarm.state === 'normal';
  }
}

export function compareAlarms(a: Alarm, b: Alarm): number {
  return (
    a.priority - b.priority ||
    Number(isUnacknowledged(b)) - Number(isUnacknowledged(a)) ||
    b.raised_at - a.raised_at ||
    b.seq - a.seq
  );
}

export interface Filter {
  readonly tab: Tab;
  /** Empty: all. */
  readonly enterprise: string;
  /** 0: all. */
  readonly level: number;
  readonly text: string;
}

const matches = (alarm: Alarm, filter: Filter, needle: string): boolean =>
  (filter.enterprise === '' || alarm.enterprise === filter.enterprise) &&
  (filter.level === 0 || alarm.priority === filter.level) &&
  (needle === '' || `${alarm.alarm_id} ${alarm.enterprise} ${alarm.tag} ${alarm.message_zh} ${alarm.message_en}`.toLowerCase().includes(needle));

/** The alarms of a tab in order. `keep` stays although it left the tab: what a person looks at does not vanish. */
export function listed(hall: Hall, filter: Filter, keep: string | null): Alarm[] {
  const needle = filter.text.trim().toLowerCase();
  if (filter.tab === 'closed') {
    return [...hall.closed.values()].filter((a) => matches(a, filter, needle)).sort((a, b) => b.seq - a.seq);
  }
  const found: Alarm[] = [];
  for (const [id, { alarm }] of hall.alarms) {
    if ((inTab(alarm, filter.tab) || id === keep) && matches(alarm, filter, needle)) found.push(alarm);
  }
  const left = keep !== null && !hall.alarms.has(keep) ? hall.closed.get(keep) : undefined;
  if (left && matches(left, filter, needle)) found.push(left);
  return found.sort(compareAlarms);
}

export interface Counter {
  unacknowledged: number;
  active: number;
}

export interface Counters {
  /** By level 1 to 5; index 0 unused. */
  readonly levels: readonly Counter[];
  readonly tabs: Readonly<Record<Tab, number>>;
  /** Raise time of the oldest unacknowledged Ⅰ to Ⅳ, µs; null: none. */
  readonly oldestUnacknowledged: number | null;
  readonly provisional: number;
}

export function count(hall: Hall): Counters {
  const levels: Counter[] = Array.from({ length: 6 }, () => ({ unacknowledged: 0, active: 0 }));
  const tabs: Record<Tab, number> = { unacknowledged: 0, open: 0, set_aside: 0, closed: hall.closed.size };
  let oldest = Infinity;
  let provisional = 0;
  for (const { alarm, provisional: unsettled } of hall.alarms.values()) {
    if (unsettled) provisional += 1;
    for (const tab of ['unacknowledged', 'open', 'set_aside'] as const) if (inTab(alarm, tab)) tabs[tab] += 1;
    const cell = levels[alarm.priority] ?? levels[5];
    if (!cell || isSetAside(alarm)) continue;
    if (alarm.active) cell.active += 1;
    if (!isUnacknowledged(alarm)) continue;
    cell.unacknowledged += 1;
    if (alarm.priority < 5) oldest = Math.min(oldest, alarm.raised_at);
  }
  return { levels, tabs, oldestUnacknowledged: Number.isFinite(oldest) ? oldest : null, provisional };
}

/** The newest of the highest level that waits for a hand: what a quiet console selects by itself. */
export function mostUrgent(hall: Hall): string | null {
  let best: Alarm | null = null;
  for (const { alarm } of hall.alarms.values() as Iterable<Entry>) {
    if (isUnacknowledged(alarm) && (best === null || compareAlarms(alarm, best) < 0)) best = alarm;
  }
  return best?.alarm_id ?? null;
}
