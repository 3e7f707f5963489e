// The items this console knows, by id; newest number wins, so that a repeat after a resume changes nothing.
import type { Json, Kind, WorkItem } from '../api/work';

export type Items = ReadonlyMap<string, WorkItem>;

/** Ended items beyond these leave, oldest first; the server has them all. */
export const ENDED_MAX = 1_000;
/** A ledger of 80,000 rows is paged by its page; only what changes while we look is kept here. */
export const DANGERS_MAX = 1_000;

/** Steps kept of one item, as the server keeps them. */
const LOG_MAX = 100;

/**
 * Puts one item into a map of ours. A frame brings the step that it tells, and a list brings none: what we hold is every
 * step after `since`, so that whoever wants the whole life sees whether he must ask for it.
 */
export function put(items: Map<string, WorkItem>, item: WorkItem): void {
  const known = items.get(item.id);
  if (known && known.seq > item.seq) return;
  const [first, second] = item.log ?? [];
  if (!first) {
    const same = known?.seq === item.seq;
    items.set(item.id, { ...item, log: same ? (known.log ?? []) : [], since: same ? (known.since ?? item.seq) : item.seq });
  } else if (second || first.action === 'create') {
    items.set(item.id, { ...item, since: 0 });
  } else if (!known) {
    items.set(item.id, { ...item, since: first.seq - 1 });
  } else if (known.seq < first.seq) {
    items.set(item.id, { ...item, log: [...(known.log ?? []), first].slice(-LOG_MAX), since: known.since ?? known.seq });
  }
}

/** A life that was asked for, and the steps told since; null: there may be steps between them that we never saw. */
export function joined(asked: WorkItem, live: WorkItem): WorkItem | null {
  if (asked.seq >= live.seq) return asked;
  if ((live.since ?? live.seq) > asked.seq) return null;
  return { ...live, log: [...(asked.log ?? []), ...(live.log ?? []).filter((e) => e.seq > asked.seq)].slice(-LOG_MAX) };
}

/** Drops what the bounds do not allow. */
export function bound(items: Map<string, WorkItem>): void {
  dropOldest(items, (x) => x.ended, ENDED_MAX);
  dropOldest(items, (x) => x.kind === 'hidden_danger', DANGERS_MAX);
}

function dropOldest(items: Map<string, WorkItem>, matches: (item: WorkItem) => boolean, max: number): void {
  const found = [...items.values()].filter(matches);
  if (found.length <= max) return;
  found.sort((a, b) => a.seq - b.seq);
  for (const item of found.slice(0, found.length - max)) items.delete(item.id);
}

export const ofKind = (items: Items, kind: Kind): WorkItem[] => [...items.values()].filter((x) => x.kind === kind);

export const linkedTo = (item: WorkItem, rel: string): string[] => item.links.filter((l) => l.rel === rel).map((l) => l.to);
export const isLinked = (item: WorkItem, rel: string, to: string): boolean => item.links.some((l) => l.rel === rel && l.to === to);
/** Text of a field, or empty. */
export const textOf = (item: WorkItem, name: string): string => {
  const value = item.fields[name];
  return value === undefined || value === null ? '' : String(value);
};
export const numberOf = (item: WorkItem, name: string): number | null => {
  const value = item.fields[name];
  return typeof value === 'number' ? value : null;
};
export const PRIORITY_WORDS: readonly string[] = ['I', 'II', 'III', 'IV', 'V'];
/** 1 to 5; an item without one is routine. */
export function priorityOf(item: WorkItem): number {
  const value = item.fields.priority;
  return typeof value === 'number' ? value : PRIORITY_WORDS.indexOf(String(value)) + 1 || 4;
}

export const isRecord = (value: Json | undefined): value is { [key: string]: Json } => typeof value === 'object' && value !== null && !Array.isArray(value);
/** The records of a list field, in their order; what else stands in it is not ours. */
export const recordsOf = (item: WorkItem, field: string): { [key: string]: Json }[] => {
  const value = item.fields[field];
  return Array.isArray(value) ? value.filter(isRecord) : [];
};
