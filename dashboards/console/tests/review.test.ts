import { describe, expect, test } from 'vitest';
import { gapBar, isOver } from '../src/work/review';

describe('the review of an incident', () => {
  test('there is one once the response is over', () => {
    expect(['responding', 'terminated', 'archived'].map((state) => isOver({ kind: 'incident', state }))).toEqual([false, true, true]);
    expect(isOver({ kind: 'drill', state: 'review' })).toBe(false);
  });

  test('the longest of gap, target and past fills the row', () => {
    const past = { incidents: 3, median_s: 60, least_s: 30, most_s: 120 };
    const bar = gapBar({ s: 90, target_s: 60, past });
    expect(bar.took.width).toBe('75.0%');
    expect(bar.target.left).toBe('50.0%');
    expect([bar.range.left, bar.range.width]).toEqual(['25.0%', '75.0%']);
  });

  test('what is not there is not drawn, and a stamp set before the one before it has no length', () => {
    const bar = gapBar({ s: -5, target_s: null, past: null });
    expect([bar.target.display, bar.range.display, bar.took.width]).toEqual(['none', 'none', '0.0%']);
  });
});
