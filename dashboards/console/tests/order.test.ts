import { describe, expect, it } from 'vitest';
import type { Alarm } from '../src/api/types';
import { compareAlarms, count, type Filter, listed, mostUrgent, type Tab } from '../src/hall/order';
import { reduce } from '../src/hall/reduce';
import { emptyHall, type Hall } from '../src/hall/state';
import { alarm, alarmFrame } from './make';

/** `2u@5` = priority 2, unacknowledged, raised at 5; other letters: a acknowledged, r returned, s shelved, n closed, o out of service, l latched. */
const STATES = { u: 'unacknowledged', a: 'acknowledged', r: 'returned_unacknowledged', s: 'shelved', n: 'normal', o: 'out_of_service', l: 'latched' } as const;
const made = (text: string): Alarm => {
  const [, priority, letter, at] = /^(\d)([uarsnol])@(\d+)$/.exec(text) ?? [];
  const state = STATES[letter as keyof typeof STATES];
  const active = state === 'unacknowledged' || state === 'acknowledged' || state === 'shelved' || state === 'out_of_service';
  return alarm({ alarm_id: text, seq: Number(at), priority: Number(priority), state, active, raised_at: Number(at) });
};
const hallOf = (texts: string): Hall =>
  reduce(emptyHall(), texts.split(' ').map((x) => alarmFrame({ ...made(x), annunciation: 'none' })), 0);

describe('order: level, then unacknowledged, then newest', () => {
  it.each([
    ['level first', '3u@1 1u@1 2u@1', '1u@1 2u@1 3u@1'],
    ['unacknowledged before acknowledged', '2a@9 2u@1', '2u@1 2a@9'],
    ['returned still waits for its acknowledgement', '2a@9 2r@1', '2r@1 2a@9'],
    ['newest first', '2u@1 2u@3 2u@2', '2u@3 2u@2 2u@1'],
    ['an acknowledged Ⅰ stands above an unacknowledged Ⅱ', '2u@9 1a@1', '1a@1 2u@9'],
    ['diagnostics last', '5u@9 4a@1', '4a@1 5u@9'],
  ])('%s', (_, given, expected) => {
    expect(given.split(' ').map(made).sort(compareAlarms).map((a) => a.alarm_id).join(' ')).toBe(expected);
  });
});

describe('tabs', () => {
  const all = '1u@1 2a@2 3r@3 4s@4 5o@5 3l@6 2n@7';
  const filter = (tab: Tab, over: Partial<Filter> = {}): Filter => ({ tab, enterprise: '', level: 0, text: '', ...over });
  const show = (f: Filter, keep: string | null = null): string => listed(hallOf(all), f, keep).map((a) => a.alarm_id).join(' ');
  it.each<[Tab, string]>([
    ['unacknowledged', '1u@1 3r@3'],
    ['open', '1u@1 2a@2 3r@3 3l@6'],
    ['set_aside', '4s@4 5o@5'],
    ['closed', '2n@7'],
  ])('%s', (tab, expected) => expect(show(filter(tab))).toBe(expected));

  it('every open alarm is in some tab: nothing is hidden', () => {
    const seen = new Set((['open', 'set_aside'] as const).flatMap((tab) => show(filter(tab)).split(' ')));
    for (const id of hallOf(all).alarms.keys()) expect(seen.has(id), id).toBe(true);
  });
  it('a state this console does not know counts as waiting', () => {
    const hall = reduce(emptyHall(), [alarmFrame({ state: 'brand_new', alarm_id: 'x' })], 0);
    expect(listed(hall, filter('unacknowledged'), null).map((a) => a.alarm_id)).toEqual(['x']);
  });
  it('the selected row stays though it left the tab', () => {
    expect(show(filter('unacknowledged'), '2a@2')).toBe('1u@1 2a@2 3r@3');
    expect(show(filter('unacknowledged'), '2n@7')).toContain('2n@7');
  });
  it('filters by level and text', () => {
    expect(show(filter('open', { level: 3 }))).toBe('3r@3 3l@6');
    expect(show(filter('open', { text: ' NH3-1 ' }))).toBe('1u@1 2a@2 3r@3 3l@6');
    expect(show(filter('open', { enterprise: 'other' }))).toBe('');
  });
});

describe('counters', () => {
  it('counts unacknowledged and active by level; shelved ones in their tab only', () => {
    const c = count(hallOf('1u@1 1a@2 2r@3 4s@4 5u@5'));
    expect(c.levels.map((l) => `${l.unacknowledged}/${l.active}`)).toEqual(['0/0', '1/2', '1/0', '0/0', '0/0', '1/1']);
    expect(c.tabs).toEqual({ unacknowledged: 3, open: 4, set_aside: 1, closed: 0 });
  });
  it('the oldest waiting is a Ⅰ to Ⅳ', () => {
    expect(count(hallOf('5u@1 3u@7 2r@4')).oldestUnacknowledged).toBe(4);
    expect(count(hallOf('5u@1')).oldestUnacknowledged).toBe(null);
  });
  it('finds the newest of the highest level for a quiet console', () => {
    expect(mostUrgent(hallOf('2u@1 2u@3 3u@9 1a@2'))).toBe('2u@3');
    expect(mostUrgent(emptyHall())).toBe(null);
  });
});
