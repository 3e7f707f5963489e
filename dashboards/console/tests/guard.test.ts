import { describe, expect, it } from 'vitest';
import type { ActionSpec, FieldSpec, Flow, Guard, Json, Kind, WorkItem } from '../src/api/work';
import { actionForm, changed, isEdit, isImmediate, missing } from '../src/work/flow';
import { holding, isPointless, needed, needs, ownDeed } from '../src/work/guard';
import { chosenBy, found, named } from '../src/work/person';
import { newPassword } from '../src/admin/password';
import { item } from './make';

const action = (name: string, guards: Guard[], over: Partial<ActionSpec> = {}): ActionSpec => ({
  name, zh: name, en: name, from: ['assigned'], to: '', by: 'hall', permission: 'ledger.write', required: [], accepts: [], guards, ...over,
});
const MUSTS = ['duty', 'funds'];
const start = action('start', [{ type: 'fields_when', field: 'grade', is: 'major', required: MUSTS }], { accepts: MUSTS, from: ['assigned'], to: 'rectifying' });
const recheck = action('pass', [{ type: 'other_person_than', field: 'completed_by' }, { type: 'other_person_than', field: 'started_by' }]);
const approve = action('approve_extension', [{ type: 'set', field: 'extension_until' }]);
const archive = action('archive', [{ type: 'linked_have_owner', kind: 'lesson' }, { type: 'no_open_linked', kind: 'order' }]);
const text = (name: string): FieldSpec => ({ name, zh: name, en: name, type: 'text', unit: '', choices: [], create: false, required: false });
const flow: Flow = {
  kind: 'hidden_danger', prefix: 'H', zh: '', en: '', initial: 'reported', receivers: 'none', created_by: 'hall', permission: 'ledger.write', states: [], deadlines: [], guards: [],
  actions: [start, action('system', [{ type: 'fields_when', field: 'grade', is: 'major', required: ['x'] }], { by: 'system' })], fields: [...MUSTS, 'grade'].map(text),
};
const danger = (fields: Record<string, Json>): WorkItem => item({ kind: 'hidden_danger', state: 'assigned', fields });

describe('H3: what the major track needs is known before it is refused', () => {
  it.each<[Record<string, Json>, string]>([[{ grade: 'major' }, 'duty funds'], [{ grade: 'general' }, ''], [{}, '']])('%j needs %s', (fields, names) => expect(needed(start, fields).join(' ')).toBe(names));
  it.each<[Record<string, Json>, string]>([
    [{ grade: 'major' }, 'start: duty funds'], [{ grade: 'major', duty: '甲' }, 'start: funds'], [{ grade: 'major', duty: '甲', funds: '1 万' }, ''], [{ grade: 'general' }, ''],
  ])('%j: %s', (fields, line) => expect(needs(flow, 'assigned', fields).map((n) => `${n.action.name}: ${n.missing.join(' ')}`).join('; ')).toBe(line));
  it('in another state nothing is asked', () => expect(needs(flow, 'graded', { grade: 'major' })).toEqual([]));
  it('the form of the step asks for them, what is blank first', () => {
    const form = actionForm(flow, start, danger({ grade: 'major', duty: '甲' }));
    expect([form.required.map((f) => f.spec.name), missing(form.required, {}), form.optional]).toEqual([['funds', 'duty'], ['funds'], []]);
  });
  it.each<[Record<string, Json>, boolean]>([[{ grade: 'major' }, false], [{ grade: 'major', duty: '1', funds: '2' }, true], [{ grade: 'general' }, true]])('%j: done by the press alone: %s', (fields, immediate) =>
    expect(isImmediate(start, danger(fields))).toBe(immediate));
});

describe('four eyes, and steps without a point', () => {
  it.each<[Record<string, Json>, string | null]>([[{ completed_by: 'li' }, 'completed_by'], [{ completed_by: 'wang', started_by: 'li' }, 'started_by'], [{ completed_by: 'wang' }, null], [{}, null]])('H4: %j: %s', (fields, field) =>
    expect(ownDeed(recheck, fields, 'li')).toBe(field));
  it('nobody in particular is kept from nothing', () => expect(ownDeed(recheck, { completed_by: '' }, '')).toBe(null));
  it.each<[Record<string, Json>, boolean]>([[{}, true], [{ extension_until: 5 }, false]])('nothing to approve with %j: %s', (fields, pointless) => expect(isPointless(approve, fields)).toBe(pointless));
  it('X4: open lessons without an owner and open orders hold the archive back', () => {
    const linked = (kind: Kind): WorkItem[] => (kind === 'lesson' ? [item({ id: 'L-1', kind, owner: null }), item({ id: 'L-2', kind, owner: 'li' }), item({ id: 'L-3', kind, ended: true })] : [item({ id: 'O-1' }), item({ id: 'O-2', ended: true })]);
    expect(holding(archive, linked).map((x) => x.id)).toEqual(['L-1', 'O-1']);
  });
});

describe('an edit', () => {
  it.each<[Partial<ActionSpec>, boolean]>([[{ accepts: ['dead'] }, true], [{ accepts: ['dead'], to: 'verified' }, false], [{ accepts: ['dead'], by: 'receiver' }, false], [{}, false], [{ accepts: ['dead'], required: ['note'] }, false]])('%j: %s', (over, edits) => {
    expect(isEdit(action('x', [], over))).toBe(edits);
    if (edits) expect(isImmediate(action('x', [], over), danger({}))).toBe(false);
  });
  it('tells only what was changed', () => expect(changed({ dead: '1', place: 'a' }, { dead: '3', place: 'a', injured: '2', loss: '' })).toEqual(['dead', 'injured']));
});

describe('finding a person', () => {
  const all = [{ id: 'wang', name: '王强', side: '值班长' }, { id: 'li', name: '李敏', side: '值班员 138' }, { id: 'li2', name: '李敏', side: '值班员' }];
  it.each([['强', 'wang'], ['值班员 138', 'li'], ['LI', 'li li2'], ['', 'wang li li2'], ['x', '']])('%j: %s', (words, ids) => expect(found(all, words).map((c) => c.id).join(' ')).toBe(ids));
  it.each([['王强', 'wang'], [' wang ', 'wang'], ['李敏', undefined], ['王', undefined], ['', undefined]])('%j names %s', (words, id) => expect(named(all, words)?.id).toBe(id));
  it.each<[string, boolean, string]>([['厂长 张某', false, '厂长 张某'], ['厂长 张某', true, ''], ['li2', true, 'li2'], ['王强', false, 'wang']])('%j, people only %s: sends %j', (words, known, id) => expect(chosenBy(all, words, known)).toBe(id));
});

it('a new password is long, readable, and another one each time', () => {
  const made = Array.from({ length: 50 }, newPassword);
  for (const p of made) expect(p).toMatch(/^([a-hjkmnp-z2-9]{4}-){3}[a-hjkmnp-z2-9]{4}$/);
  expect(new Set(made).size).toBe(50);
});
