// A month of shifts as a grid: days down, the pattern's shifts across; a hole or an overlap is shown, not smoothed over (S1).
import type { Json, WorkItem } from '../api/work';
import { localInput, timeOfInput } from './flow';
import { numberOf, textOf } from './items';

export const PEOPLE = ['leader', 'main', 'deputies', 'standby'] as const;
export type Post = (typeof PEOPLE)[number];

export interface Cell {
  readonly shift: WorkItem;
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly people: Readonly<Record<Post, readonly string[]>>;
}

export interface Day {
  /** `2026-12-01`, the hall's date. */
  readonly date: string;
  readonly weekday: number;
  readonly cells: readonly Cell[];
}

export interface Fault { readonly kind: 'gap' | 'overlap'; readonly from: number; readonly to: number }
export interface Month { readonly days: readonly Day[]; readonly faults: readonly Fault[] }

const names = (value: Json | undefined): string[] => (Array.isArray(value) ? value.map(String) : value ? [String(value)] : []);

export function cellOf(shift: WorkItem, chinese: boolean): Cell | null {
  const [from, to] = [numberOf(shift, 'starts_at'), numberOf(shift, 'ends_at')];
  if (from === null || to === null) return null;
  const name = chinese ? textOf(shift, 'title') : textOf(shift, 'title_en');
  const people = Object.fromEntries(PEOPLE.map((p) => [p, names(shift.fields[p])])) as Record<Post, string[]>;
  return { shift, name: name || shift.title, from, to, people };
}

/** First instant of a month and of the next, µs, in the hall's zone. */
export function monthSpan(month: string): { from: number; to: number } {
  const [year = 0, number = 1] = month.split('-').map(Number);
  const next = number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, '0')}`;
  return { from: timeOfInput(`${month}-01T00:00`) ?? 0, to: timeOfInput(`${next}-01T00:00`) ?? 0 };
}

export const monthOf = (us: number): string => localInput(us).slice(0, 7);
export const shiftMonth = (month: string, by: number): string => {
  const [year = 0, number = 1] = month.split('-').map(Number);
  const index = year * 12 + number - 1 + by;
  return `${Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, '0')}`;
};

const DAY_US = 86_400e6;

export function monthGrid(shifts: readonly WorkItem[], month: string, chinese: boolean): Month {
  const { from, to } = monthSpan(month);
  const cells = shifts.map((s) => cellOf(s, chinese)).filter((c): c is Cell => c !== null && c.from >= from && c.from < to).sort((a, b) => a.from - b.from);
  const days: Day[] = [];
  for (let at = from; at < to; at += DAY_US) {
    days.push({ date: localInput(at).slice(0, 10), weekday: new Date(localInput(at)).getDay(), cells: cells.filter((c) => c.from >= at && c.from < at + DAY_US) });
  }
  return { days, faults: faults(cells) };
}

/** Between neighbours only: before the first and after the last stands another month. */
function faults(cells: readonly Cell[]): Fault[] {
  const found: Fault[] = [];
  cells.slice(1).forEach((cell, i) => {
    const before = cells[i];
    if (!before || cell.from === before.to) return;
    found.push(cell.from > before.to ? { kind: 'gap', from: before.to, to: cell.from } : { kind: 'overlap', from: cell.from, to: before.to });
  });
  return found;
}
