// The open list of a hand-over: what the successor must take or somebody else must get (S4).
import type { Json, OpenLoop, WorkItem } from '../api/work';
import { recordsOf, textOf } from './items';

export interface Entry extends OpenLoop {
  /** Who keeps it from now on; empty: nobody yet. */
  readonly keeper: string;
}

const text = (value: Json | undefined): string => (value === undefined || value === null ? '' : String(value));

/** Entries as the hand-over keeps them; a blank due time is none. */
export function entriesOf(handover: WorkItem): Entry[] {
  return recordsOf(handover, 'entries').map((r) => ({
    ref: text(r.ref), kind: text(r.kind), title: text(r.title), state: text(r.state), why: text(r.why), why_en: text(r.why_en), owner: text(r.owner) || null,
    due: typeof r.due === 'number' ? r.due : null, keeper: text(r.to),
  }));
}

export const isSettled = (e: Entry): boolean => e.keeper !== '';
export const loose = (entries: readonly Entry[]): Entry[] => entries.filter((e) => !isSettled(e));

/** Untaken first, then what runs out first. */
export const compareEntries = (a: Entry, b: Entry): number => Number(isSettled(a)) - Number(isSettled(b)) || (a.due ?? Infinity) - (b.due ?? Infinity);

export type Side = 'outgoing' | 'successor';
export const sideOf = (handover: WorkItem, account: string): Side => (textOf(handover, 'successor') === account ? 'successor' : 'outgoing');
export const hasSigned = (handover: WorkItem, side: Side): boolean => textOf(handover, side === 'successor' ? 'signed_in_by' : 'signed_out_by') !== '';
export const signAction = (side: Side): string => (side === 'successor' ? 'sign_in' : 'sign_out');

/** Once the second one signs and nothing is loose, the signature also completes. */
export const completesBy = (handover: WorkItem, side: Side): boolean =>
  hasSigned(handover, side === 'successor' ? 'outgoing' : 'successor') && loose(entriesOf(handover)).length === 0;
