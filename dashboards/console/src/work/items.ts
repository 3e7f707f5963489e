// The items this console knows, by id; newest number wins, so that a repeat after a resume changes nothing.
import type { Json, Kind, WorkItem } from '../api/work';

export type Items = ReadonlyMap<string, WorkItem>;

/** Ended items beyond these leave, oldest first; the server has them all. */
export const ENDED_MAX = 1_000;
/** A ledger of 80,000 rows is paged by its page; only what changes while we look is kept here. */
export const DANGERS_MAX = 1_000;

/** Puts one item into a map of ours; the log of a fuller version is kept when a list leaves it out. */
export function put(items: Map<string, WorkItem>, item: WorkItem): void {
  const known = items.get(item.id);
  if (known && known.seq > item.seq) return;
  const short = !item.log?.length;
  items.set(item.id, short && known?.log ? { ...item, log: known.log } : item);
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
