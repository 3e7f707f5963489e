import { describe, expect, it } from 'vitest';
import type { Alarm } from '../src/api/types';
import { arrange, freeze, type Row } from '../src/hall/group';
import { INSERTIONS_PER_S, openPace, pace } from '../src/hall/pace';
import { alarm } from './make';

/** `x3` = priority 3 in group x; `x3*2` = first-out rank 2; `x3a` = acknowledged. */
const made = (text: string, i: number): Alarm => {
  const [, group = '', priority, acked, rank] = /^([a-z])(\d)(a?)(?:\*(\d))?$/.exec(text) ?? [];
  return alarm({ alarm_id: `${text}#${i}`, group, priority: Number(priority), state: acked ? 'acknowledged' : 'unacknowledged', first_out: Number(rank ?? 0) });
};
const none: ReadonlySet<string> = new Set();
const rowsOf = (text: string, over: { on?: boolean; expanded?: string[]; keep?: string[] } = {}): Row[] =>
  arrange(text.split(' ').map(made), { on: over.on ?? true, expanded: new Set(over.expanded), keep: new Set(over.keep) });
const drawn = (rows: readonly Row[]): string =>
  rows.map((r) => (r.kind === 'fold' ? `${r.open ? '-' : '+'}${r.hidden.length}` : `${r.related ? '.' : ''}${r.id.split('#')[0]}`)).join(' ');

describe('grouping by site', () => {
  it.each<[string, string, string]>([
    ['alone', 'x1', 'x1'],
    ['first-out leads, though not the worst', 'x1 x3*1', 'x3*1 .x1'],
    ['the rest folds', 'x3 x3 x3 x4', 'x3 +3'],
    ['one row is not folded: the line would cost as much', 'x3 x3', 'x3 .x3'],
    ['unacknowledged Ⅰ and Ⅱ never fold', 'x3*1 x1 x2 x3 x3', 'x3*1 .x1 .x2 +2'],
    ['an acknowledged Ⅰ may', 'x3*1 x1a x3', 'x3*1 +2'],
    ['a group stands where its most urgent alarm stands', 'y1 x2 y4 y4 x3 x3', 'y1 +2 x2 +2'],
  ])('%s', (_, given, expected) => expect(drawn(rowsOf(given))).toBe(expected));

  it('opens on demand', () => expect(drawn(rowsOf('x3 x3 x4', { expanded: ['hengxin/x'] }))).toBe('x3 .x3 .x4 -2'));
  it('never folds the selected row', () => expect(drawn(rowsOf('x3 x3 x4 x4', { keep: ['x4#3'] }))).toBe('x3 .x4 +2'));
  it('can be off', () => expect(drawn(rowsOf('x3 x3 x4', { on: false }))).toBe('x3 x3 x4'));
  it('shows or counts every alarm exactly once', () => {
    const rows = rowsOf('x3 y1 x3*1 x4 y4 z2 y3a x2a z4');
    const ids = rows.flatMap((r) => (r.kind === 'fold' ? r.hidden : [r.id]));
    expect(ids.length).toBe(9);
    expect(new Set(ids).size).toBe(9);
  });
});

describe('frozen under the pointer', () => {
  const flat = (text: string): Row[] => rowsOf(text, { on: false });
  it('keeps places, holds and counts the new', () => {
    const shown = flat('x3 x4');
    const next = [...flat('x1 y1').map((r) => ({ ...r, key: `new${r.key}` })), ...[...shown].reverse()];
    const result = freeze(shown, next);
    expect(result.rows.map((r) => r.key)).toEqual(shown.map((r) => r.key));
    expect(result.held).toBe(2);
  });
  it('keeps the place of what has left, so that nothing jumps', () => {
    const shown = flat('x3 x4');
    expect(freeze(shown, shown.slice(1)).rows.length).toBe(2);
  });
});

describe('flood pace', () => {
  const flat = (n: number, from = 0): Row[] =>
    Array.from({ length: n }, (_, i) => ({ kind: 'alarm', key: `k${from + i}`, id: `k${from + i}`, group: 'g', related: false }));
  const never = (): boolean => false;

  it('admits what stood at the start', () => {
    const rows = flat(50);
    expect(pace(openPace(rows, 0), rows, never, 0)).toMatchObject({ waiting: 0 });
  });
  it('lets at most four a second in and counts the rest', () => {
    let state = openPace([], 0);
    const rows = flat(100);
    const entered: number[] = [];
    for (let s = 0; s <= 5; s++) {
      const result = pace(state, rows, never, s * 1000);
      state = result.pace;
      entered.push(result.rows.length);
      expect(result.rows.length + result.waiting).toBe(100);
    }
    expect(entered).toEqual([4, 8, 12, 16, 20, 24]);
  });
  it('does not save up credit', () => {
    const state = openPace([], 0);
    expect(pace(state, flat(100), never, 60_000).rows.length).toBe(INSERTIONS_PER_S);
  });
  it('Ⅰ and Ⅱ enter at once', () => {
    const result = pace({ admitted: none, credit: 0, at: 0 }, flat(10), (r) => r.key === 'k7', 0);
    expect(result.rows.map((r) => r.key)).toEqual(['k7']);
    expect(result.waiting).toBe(9);
  });
  it('a fold does not stand without its lead', () => {
    const rows: Row[] = [...flat(1), { kind: 'fold', key: 'fold:g', group: 'g', hidden: ['a', 'b'], open: false }];
    expect(pace({ admitted: none, credit: 0, at: 0 }, rows, never, 0).rows).toEqual([]);
    expect(pace(openPace(rows, 0), rows, never, 0).rows.length).toBe(2);
  });
});
