import { describe, expect, it } from 'vitest';
import type { AggregateRow, FieldSpec, Flow, Json, Party, WorkItem } from '../src/api/work';
import { safeName } from '../src/work/attachment';
import { board, columnOf, COLUMNS } from '../src/work/board';
import { compareUrgency, itemTone, nextDeadline, toneOf } from '../src/work/deadline';
import { nearestFirst, templateOf } from '../src/work/dispatch';
import { mainStep, otherSteps } from '../src/work/field';
import { actionForm, createForm, heldOf, localInput, missing, timeOfInput, wireFields, wireOf } from '../src/work/flow';
import { bound, DANGERS_MAX, ENDED_MAX, joined, priorityOf, put } from '../src/work/items';
import { bars, EMPTY_FILTER, ledgerQuery, percent } from '../src/work/ledger';
import { linksOfAlarm, presetHolding } from '../src/work/preset';
import { alarm, deadline, item } from './make';

const spec = (name: string, type: FieldSpec['type'] = 'text', over: Partial<FieldSpec> = {}): FieldSpec => ({ name, zh: name, en: name, type, unit: '', choices: [], create: true, required: false, ...over });
const flow: Flow = {
  kind: 'hidden_danger', prefix: 'H', zh: '隐患', en: 'hidden danger', initial: 'reported', receivers: 'none', created_by: 'hall', permission: 'ledger.write', states: [], deadlines: [],
  actions: [{ name: 'grade', zh: '定级', en: 'grade', from: [], to: '', by: 'hall', permission: 'ledger.write', required: ['grade', 'note', 'unheard_of'], accepts: ['due'], guards: [] }], guards: [],
  fields: [
    spec('clause'), spec('title', 'text', { required: true }), spec('due', 'time', { create: false }),
    spec('grade', 'choice', { choices: [{ value: 'general', zh: '一般', en: 'general' }, { value: 'major', zh: '重大', en: 'major' }] }),
  ],
};

describe('forms from a flow', () => {
  it('asks first for what is required', () => expect(createForm(flow).map((f) => f.spec.name)).toEqual(['title', 'clause', 'grade']));
  it('a step asks for its required fields, even one the flow does not describe', () => {
    const form = actionForm(flow, flow.actions[0]!, null);
    expect([form.required.map((f) => f.spec.name), form.optional.map((f) => f.spec.name), form.noteRequired]).toEqual([['grade', 'unheard_of'], ['due'], true]);
  });
  it('does not insist on what the item already has', () => {
    const form = actionForm(flow, flow.actions[0]!, item({ fields: { grade: 'major' } }));
    expect(missing(form.required, {})).toEqual(['unheard_of']);
  });
  it.each<[FieldSpec['type'], string | boolean, Json | undefined]>([
    ['text', '  a b ', 'a b'], ['text', '', undefined], ['number', '1.5', 1.5], ['number', 'x', 'x'], ['flag', true, true], ['flag', '', false],
    ['list', 'a\n\n b', ['a', 'b']], ['record', 'dead: 3\n现场：有', { dead: 3, 现场: '有' }], ['time', '2026-11-27T03:20', 1_795_720_800_000_000],
    ['time', 'soon', 'soon'], ['choice', 'major', 'major'],
  ])('%s %j -> %j', (type, held, wire) => expect(wireOf(spec('x', type), held)).toEqual(wire));
  it.each<[FieldSpec['type'], Json, string | boolean]>([
    ['text', 'a', 'a'], ['number', 0, '0'], ['list', ['a', 'b'], 'a\nb'], ['record', { a: 1 }, 'a: 1'], ['flag', true, true], ['time', 1_795_720_800_000_000, '2026-11-27T03:20'], ['text', null, ''],
  ])('held as text: %s %j', (type, json, held) => expect(heldOf(spec('x', type), json)).toEqual(held));
  it('times are the hall\'s wall time both ways', () => expect(timeOfInput(localInput(1_795_720_800_000_000))).toBe(1_795_720_800_000_000));
  it('sends only what was given', () => expect(wireFields(createForm(flow), { title: 'x', clause: ' ' })).toEqual({ title: 'x' }));
});

describe('deadlines', () => {
  const s = 1e6;
  it.each<[number, number, string]>([
    [100, 0, 'calm'], [100, 69, 'calm'], [100, 70, 'soon'], [400, 299, 'calm'], [400, 300, 'soon'], [100, 99, 'soon'], [100, 100, 'late'], [100, 500, 'late'],
    [20, 0, 'soon'], [100 * 86_400, 98 * 86_400, 'calm'], [100 * 86_400, 99 * 86_400, 'soon'],
  ])('due at %d s, now %d s: %s', (at, now, tone) => expect(toneOf(deadline('ack', at * s), 0, now * s)).toBe(tone));
  it('the first to run out counts; an ended item has none', () => {
    const both = item({ deadlines: [deadline('complete', 9), deadline('ack', 5)] });
    expect(nextDeadline(both)?.name).toBe('ack');
    expect(nextDeadline({ ...both, ended: true })).toBe(null);
    expect(itemTone({ ...both, ended: true }, 99)).toBe('calm');
  });
  it('orders by what runs out first, then newest', () => {
    const made = (id: string, at: number | null, created_at: number): WorkItem => item({ id, created_at, deadlines: at === null ? [] : [deadline('ack', at)] });
    const sorted = [made('c', null, 1), made('d', null, 2), made('b', 9, 0), made('a', 3, 0)].sort(compareUrgency);
    expect(sorted.map((x) => x.id).join('')).toBe('abdc');
  });
});

describe('the board', () => {
  it.each([['issued', 'issued'], ['in_progress', 'under_way'], ['closed', 'verified'], ['rejected', 'set_aside'], ['never_heard', 'set_aside']])('%s stands under %s', (state, column) =>
    expect(columnOf(state)).toBe(column));
  it('every order stands in exactly one column', () => {
    const orders = ['draft', 'issued', 'delivered', 'acknowledged', 'in_progress', 'done', 'verified', 'closed', 'revoked', 'x'].map((state, i) => item({ id: `O-${i}`, state }));
    const shown = board(orders).flatMap((c) => c.items.map((o) => o.id));
    expect(shown.sort()).toEqual(orders.map((o) => o.id).sort());
    expect(board(orders).map((c) => c.column)).toEqual([...COLUMNS]);
  });
});

describe('items', () => {
  it('keeps the newest', () => {
    const items = new Map<string, WorkItem>();
    put(items, item({ seq: 2, state: 'delivered' }));
    put(items, item({ seq: 1 }));
    expect(items.get('O-000001')?.state).toBe('delivered');
    put(items, item({ seq: 3, state: 'acknowledged' }));
    expect(items.get('O-000001')?.state).toBe('acknowledged');
  });
  it('adds the step of each frame, and knows from where on it has them all', () => {
    const step = (seq: number, action = 'feedback') => ({ seq, at: seq, action, from: 'x', to: 'x', by: { account: 'a', name: 'a' }, note: '', fields: {}, attachments: [] });
    const known = (log: readonly { seq: number }[] | undefined): number[] => (log ?? []).map((e) => e.seq);
    const items = new Map<string, WorkItem>();
    const told = (seq: number, action?: string): WorkItem => item({ seq, log: [step(seq, action)] });
    const now = (): WorkItem => items.get('O-000001') as WorkItem;
    put(items, told(5));
    put(items, told(7));
    put(items, told(7));
    expect([known(now().log), now().since]).toEqual([[5, 7], 4]);
    // A list has it newer than we knew it: what lies between was never told here.
    put(items, item({ seq: 9, log: [] }));
    put(items, told(12));
    expect([known(now().log), now().since]).toEqual([[12], 9]);
    const asked = item({ seq: 7, log: [step(1, 'create'), step(5), step(7)] });
    expect(joined(asked, now())).toBeNull();
    const again = item({ seq: 9, log: [step(1, 'create'), step(5), step(7), step(9)] });
    expect(known(joined(again, now())?.log)).toEqual([1, 5, 7, 9, 12]);
    expect(joined(item({ seq: 12, log: [step(1), step(12)] }), now())?.seq).toBe(12);
    const fresh = new Map<string, WorkItem>();
    put(fresh, told(20, 'create'));
    expect(fresh.get('O-000001')?.since).toBe(0);
  });
  it('bounds what has ended and the ledger, oldest out; open orders never', () => {
    const items = new Map<string, WorkItem>();
    for (let i = 0; i < ENDED_MAX + 2; i++) put(items, item({ id: `O-${i}`, seq: i, ended: true }));
    for (let i = 0; i < DANGERS_MAX + 2; i++) put(items, item({ id: `H-${i}`, kind: 'hidden_danger', seq: i }));
    for (let i = 0; i < 10; i++) put(items, item({ id: `open-${i}`, seq: 0 }));
    bound(items);
    expect([items.size, items.has('O-0'), items.has('O-2'), items.has('H-1'), items.has('open-9')]).toEqual([ENDED_MAX + DANGERS_MAX + 10, false, true, false, true]);
  });
  it.each<[Json, number]>([['I', 1], ['V', 5], [2, 2], ['?', 4], [null, 4]])('priority %j is %d', (priority, n) => expect(priorityOf(item({ fields: { priority } }))).toBe(n));
});

describe('the ledger', () => {
  it('asks only for what was chosen', () => {
    expect(ledgerQuery(EMPTY_FILTER)).toEqual({ kind: 'hidden_danger', limit: 100, open: true });
    expect(ledgerQuery({ ...EMPTY_FILTER, state: 'closed', text: ' 氨 ', overdue: true })).toEqual({ kind: 'hidden_danger', limit: 100, state: 'closed', q: '氨', overdue: true });
  });
  it('draws shares of the longest bar, most open first', () => {
    const row = (key: string, total: number, open: number, overdue: number): AggregateRow => ({ key, total, open, overdue, closed: total - open, overdue_rate: 0, closure_rate: 0, mean_days: null, recurrence_rate: 0 });
    expect(bars([row('a', 10, 2, 1), row('b', 20, 5, 0)]).map((b) => [b.key, b.late, b.open, b.closed])).toEqual([['b', 0, 0.25, 0.75], ['a', 0.05, 0.05, 0.4]]);
  });
  it.each([[0, '0 %'], [0.034, '3.4 %'], [0.5, '50 %'], [1, '100 %']])('%d is %s', (share, text) => expect(percent(share)).toBe(text));
});

describe('from an alarm to work', () => {
  it('an item begins with what the flow has and the alarm knows; a choice the flow lacks is left out', () => {
    expect(presetHolding(flow, { title: '氨', grade: 'general', clause: '', due: 1, other: 'x' })).toEqual({ title: '氨', grade: 'general', clause: '' });
    expect(presetHolding(flow, { grade: 'enormous' })).toEqual({});
  });
  it('brings its evidence', () => expect(linksOfAlarm(alarm())).toEqual([{ rel: 'alarm', to: 'A-000001' }, { rel: 'tag', to: 'hengxin/nh3-1' }]));
  it.each([['gas', 'nh3-1', 'toxic'], ['gas', 'lel-1', 'gas'], ['fire', 'smoke', 'fire'], ['gas', 'dust-2', 'dust'], ['comms', 'x', 'diagnostic'], ['new', 'x', 'other']])('%s %s: words for %s', (kind, tag, template) =>
    expect(templateOf({ class: kind, tag, message_zh: '' })).toBe(template));
  const party = (id: string, kind: string): Party => ({ id, kind, name_zh: id, name_en: id, telephone: '', town: '', industry: '' });
  it('a team goes first; a silent device is its owner\'s', () => {
    const all = [party('hengxin', 'enterprise'), party('p', 'person'), party('t', 'team')];
    const first = (kind: string): string | undefined => nearestFirst(all, { class: kind, tag: '', message_zh: '', enterprise: 'hengxin' })[0]?.id;
    expect([first('gas'), first('comms')]).toEqual(['t', 'hengxin']);
  });
});

describe('names of files', () => {
  it.each([
    ['a.png', 'a.png'], ['../../<img src=x>.png', '_._<img src=x>.png'], ['C:\\photo\u0000.jpg', 'C__photo_.jpg'], ['', 'file'], ['现场 1.jpg', '现场 1.jpg'],
    [`${'x'.repeat(300)}.jpeg`, `${'x'.repeat(115)}.jpeg`],
  ])('%j becomes %j', (name, safe) => expect(safeName(name)).toBe(safe));
});

describe('the phone', () => {
  const steps = (actions: string[], team_state = ''): string => {
    const order = item({ actions, fields: { team_state } });
    return `${mainStep(order)?.action ?? '-'} | ${otherSteps(order).map((s) => s.action).join(' ')}`;
  };
  it.each<[string[], string, string]>([
    [['acknowledge', 'reject', 'deliver'], '', 'acknowledge | reject'],
    [['start', 'arrive', 'work', 'feedback', 'complete'], '', 'arrive | feedback start work complete'],
    [['arrive', 'work', 'feedback', 'complete', 'return'], 'on_scene', 'complete | feedback work return'],
    [['revoke'], '', '- | '],
  ])('%j %s: %s', (actions, team, expected) => expect(steps(actions, team)).toBe(expected));
  it('arrived is one tap, done is two', () => {
    expect(mainStep(item({ actions: ['arrive'] }))?.sheet).toBe(false);
    expect(mainStep(item({ actions: ['complete'] }))?.sheet).toBe(true);
  });
});
