import { describe, expect, it } from 'vitest';
import type { FieldSpec, Json, PlanCard, PlanTask, TimelineRow, WorkItem } from '../src/api/work';
import { heldOf, wireOf } from '../src/work/flow';
import { compareEntries, completesBy, entriesOf, loose, sideOf } from '../src/work/handover';
import { checkLines, diffTasks, levelNumber, levelWord, pinsOf, rolesHeld, STAMPS, stamps } from '../src/work/incident';
import { compareCalls, figures } from '../src/work/rollcall';
import { monthGrid, monthSpan, shiftMonth } from '../src/work/roster';
import { lineOfStep, stepOfLine } from '../src/work/script';
import { withPins } from '../src/work/timeline';
import { item } from './make';

describe('the nine stamps', () => {
  const incident = item({ kind: 'incident', fields: { stamps: { alarm: 10, confirmed: 40 }, gaps: { confirmed: { from: 'alarm', s: 30, target_s: 20 }, controlled: { from: 'x', s: 5 } } } });
  it('are nine, set or not', () => expect(stamps(incident).map((s) => [s.name, s.at]).filter(([, at]) => at !== null)).toEqual([['alarm', 10], ['confirmed', 40]]));
  it('in their order', () => expect(stamps(item()).map((s) => s.name)).toEqual([...STAMPS]));
  it('a gap beyond its target is late; one without a target never is', () =>
    expect(stamps(incident).filter((s) => s.gapS !== null).map((s) => [s.name, s.gapS, s.late])).toEqual([['confirmed', 30, true], ['controlled', 5, false]]));
});

describe('a change of level (X2)', () => {
  const task = (id: string): PlanTask => ({ id, group: 'g', role: 'r', receiver: 'p', text_zh: id, text_en: id, after: [], ack_within_s: 0, feedback_every_s: 0, complete_within_s: 0 });
  const plan: PlanCard = {
    id: 'p', hazard: 'h', name_zh: '', name_en: '', source: '', confidence: 'V', groups: [], roles: [], checklists: [],
    levels: { 4: [task('a')], 3: [task('a'), task('b')], 1: [task('c')] },
  };
  const shown = (from: number, to: number): string => {
    const { added, kept, removed } = diffTasks(plan, from, to);
    return [added, kept, removed].map((x) => x.map((t) => t.id).join('')).join('|');
  };
  it.each([[0, 4, 'a||'], [4, 3, 'b|a|'], [3, 4, '|a|b'], [3, 1, 'c||ab'], [3, 2, '||ab'], [3, 3, '|ab|']])('%d -> %d: %s', (from, to, expected) => expect(shown(from, to)).toBe(expected));
  it('without a plan there is nothing', () => expect(diffTasks(undefined, 0, 1)).toEqual({ added: [], kept: [], removed: [] }));
  it.each<[Json, number]>([['I', 1], ['IV', 4], ['V', 0], [null, 0]])('%j is level %d', (word, n) => expect(levelNumber(word)).toBe(n));
  it('words and numbers agree', () => expect([1, 2, 3, 4].map(levelWord).map(levelNumber)).toEqual([1, 2, 3, 4]));
});

describe('the room', () => {
  it('shows the plan\'s roles, filled or not, then others', () =>
    expect(rolesHeld(item({ fields: { roles: { rescue: 'hazmat', press: 'li' } } }), ['commander', 'rescue'])).toEqual([
      { role: 'commander', who: '' }, { role: 'rescue', who: 'hazmat' }, { role: 'press', who: 'li' },
    ]));
  it('reads its checklist by the line\'s number', () =>
    expect(checkLines(item({ fields: { checklist: [{ text_zh: '甲', text_en: 'a', done: false }, { text_zh: '乙', text_en: 'b', done: true, at: 5, by: 'duty' }, 'not ours'] } }))).toEqual([
      { no: 0, zh: '甲', en: 'a', done: false, at: null, by: '' }, { no: 1, zh: '乙', en: 'b', done: true, at: 5, by: 'duty' },
    ]));
  it('pins stand where they happened, and once', () => {
    const incident = item({ id: 'X-000001', fields: { pins: [{ at: 5, text: '切断阀门', by: '李' }] } });
    const row = (at: number, text_zh: string): TimelineRow => ({ at, seq: at, kind: 'incident', ref: 'X-000001', text_zh, text_en: '', actor: '', provenance: 'real' });
    const rows = withPins([row(9, '事故 氨 记入时间线：切断阀门'), row(3, '事故 氨 险情接报')], pinsOf(incident), incident);
    expect(rows.map((r) => `${r.at}${r.kind}`)).toEqual(['5pinned', '3incident']);
  });
});

describe('the hand-over', () => {
  const handover = (over: Record<string, Json>, to: string[] = ['', 'duty']): WorkItem =>
    item({ kind: 'handover', fields: { successor: 'lead', outgoing: 'duty', entries: to.map((x, i) => ({ ref: `A-${i}`, kind: 'alarm', title: 't', state: 's', due: i === 0 ? '' : 7, owner: '', why: 'w', to: x })), ...over } });
  it('reads its list; a blank due time is none', () =>
    expect(entriesOf(handover({})).map((e) => [e.ref, e.due, e.keeper, e.owner])).toEqual([['A-0', null, '', null], ['A-1', 7, 'duty', null]]));
  it('what nobody keeps stands first', () => {
    const entries = entriesOf(handover({}, ['lead', '', '']));
    expect(entries.toSorted(compareEntries).map((e) => e.ref)).toEqual(['A-1', 'A-2', 'A-0']);
    expect(loose(entries).length).toBe(2);
  });
  it.each([['lead', 'successor'], ['duty', 'outgoing'], ['anybody', 'outgoing']])('%s is the %s', (account, side) => expect(sideOf(handover({}), account)).toBe(side));
  it('the second signature completes only when nothing is loose', () => {
    const signed = { signed_out_by: 'duty' };
    expect(completesBy(handover(signed, ['lead']), 'successor')).toBe(true);
    expect(completesBy(handover(signed, ['lead', '']), 'successor')).toBe(false);
    expect(completesBy(handover({}, ['lead']), 'successor')).toBe(false);
  });
});

describe('the roster', () => {
  const hour = 3600e6;
  const { from } = monthSpan('2026-12');
  const shift = (start: number, end: number): WorkItem =>
    item({ id: `S-${start}`, kind: 'shift', fields: { title: '白班', title_en: 'day', starts_at: from + start * hour, ends_at: from + end * hour, leader: 'zhao', main: 'lead', deputies: ['wang', 'li'], standby: [] } });
  const faults = (...shifts: WorkItem[]): string => monthGrid(shifts, '2026-12', true).faults.map((f) => f.kind).join(' ');
  it('has a row for each day, in the hall\'s zone', () => {
    const { days } = monthGrid([shift(8, 20), shift(20, 32)], '2026-12', true);
    expect([days.length, days[0]?.date, days[0]?.cells.length, days[0]?.weekday]).toEqual([31, '2026-12-01', 2, 2]);
  });
  it('names people by post', () => expect(monthGrid([shift(8, 20)], '2026-12', false).days[0]?.cells[0]).toMatchObject({ name: 'day', people: { leader: ['zhao'], deputies: ['wang', 'li'], standby: [] } }));
  it('shows gaps and overlaps', () => {
    expect(faults(shift(8, 20), shift(20, 32))).toBe('');
    expect(faults(shift(8, 20), shift(21, 32))).toBe('gap');
    expect(faults(shift(8, 20), shift(19, 32))).toBe('overlap');
  });
  it.each([['2026-12', 1, '2027-01'], ['2026-01', -1, '2025-12'], ['2026-05', 1, '2026-06']])('%s %d: %s', (month, by, expected) => expect(shiftMonth(month, by)).toBe(expected));
});

describe('the roll-call', () => {
  const call = (state: string, latency_s: number | null): WorkItem => item({ id: state + latency_s, kind: 'call', state, ended: state !== 'ringing', fields: latency_s === null ? {} : { latency_s } });
  const calls = [call('answered', 4), call('answered', 8), call('unanswered', null), call('absent', 20), call('ringing', null)];
  it('counts answers, and who was away did not answer', () =>
    expect(figures(calls)).toEqual({ total: 5, answered: 2, missed: 2, waiting: 1, meanS: 6, slowestS: 8 }));
  it('who did not answer stands first', () => expect(calls.toSorted(compareCalls).map((c) => c.state)).toEqual(['absent', 'unanswered', 'ringing', 'answered', 'answered']));
});

describe('a drill\'s script', () => {
  it.each<[string, Json]>([
    ['05:30 plant-a/nh3.1=60 泄漏加大', { at_s: 330, tag: 'plant-a/nh3.1', value: 60, text: '泄漏加大' }],
    ['00:00 plant-a/nh3.1=-1.5', { at_s: 0, tag: 'plant-a/nh3.1', value: -1.5 }],
    ['90:00 宣布结束', { at_s: 5400, text: '宣布结束' }],
    ['检查广播', '检查广播'],
  ])('%s', (line, step) => {
    expect(stepOfLine(line)).toEqual(step);
    expect(lineOfStep(step)).toBe(line);
  });
});

describe('durations', () => {
  const spec: FieldSpec = { name: 'x', zh: '', en: '', type: 'number', unit: 's', choices: [], create: true, required: false };
  it('are held in minutes and sent in seconds', () => expect([heldOf(spec, 14_400), wireOf(spec, '240')]).toEqual(['240', 14_400]));
});
