// A flow as the server describes it -> forms and words. Nothing here knows a kind by name.
import type { ActionSpec, FieldSpec, Flow, Json, WorkItem } from '../api/work';
import { isGiven, needed, withHeld } from './guard';
import { lineOfStep, stepOfLine } from './script';

/** What an input holds: text for all but flags; parties chosen in a list are one id a line. */
export type Held = string | boolean;
export type Holding = Readonly<Record<string, Held>>;

export interface FormField {
  readonly spec: FieldSpec;
  readonly required: boolean;
}

export const actionOf = (flow: Flow | undefined, name: string): ActionSpec | undefined => flow?.actions.find((a) => a.name === name);
export const fieldOf = (flow: Flow | undefined, name: string): FieldSpec | undefined => flow?.fields.find((f) => f.name === name);

/** The fields asked for when an item is created: what must be given first. */
export const createForm = (flow: Flow): FormField[] =>
  flow.fields.filter((f) => f.create).map((spec) => ({ spec, required: spec.required })).sort((a, b) => Number(b.required) - Number(a.required));

export interface ActionForm {
  readonly required: readonly FormField[];
  readonly optional: readonly FormField[];
  readonly noteRequired: boolean;
}

/**
 * What a step asks for: its required fields, and those that its guards make mandatory for this item (H3); what is still blank
 * stands first. A name that the flow does not describe is still asked for, as text: nothing may be unanswerable.
 */
export function actionForm(flow: Flow, action: ActionSpec, item: WorkItem | null): ActionForm {
  const fields = item?.fields ?? {};
  const names = [...new Set([...action.required.filter((name) => name !== 'note'), ...needed(action, fields)])];
  const plain = (name: string): FieldSpec => ({ name, zh: name, en: name, type: 'text', unit: '', choices: [], create: false, required: true });
  const required = names.map((name) => ({ spec: fieldOf(flow, name) ?? plain(name), required: !isGiven(fields[name]) })).sort((a, b) => Number(b.required) - Number(a.required));
  const optional = action.accepts.filter((name) => !names.includes(name)).map((name) => ({ spec: fieldOf(flow, name) ?? plain(name), required: false }));
  return { required, optional, noteRequired: action.required.includes('note') };
}

/** Steps on a card: the way forward first, then what stays, then what ends it; the rest is in the panel. */
export function ranked(flow: Flow, actions: readonly ActionSpec[], state: string): ActionSpec[] {
  const place = (name: string): number => flow.states.findIndex((s) => s.name === name);
  const rank = (a: ActionSpec): number => {
    if (a.to === '' || a.to === state) return 1;
    if (flow.states[place(a.to)]?.ended) return 2;
    return place(a.to) > place(state) ? 0 : 1;
  };
  return actions.toSorted((a, b) => rank(a) - rank(b));
}

/** A step that leads nowhere and is there for what is told with it: corrections, casualties, remarks. Without a word it says nothing. */
export const isEdit = (action: ActionSpec): boolean => action.to === '' && action.required.length === 0 && action.accepts.length > 0 && action.by !== 'receiver';

/** Nothing to ask: the press of the button is enough. What a guard wants and the item lacks is asked for. */
export const isImmediate = (action: ActionSpec, item: WorkItem): boolean =>
  action.required.length === 0 && !isEdit(action) && needed(action, item.fields).every((name) => isGiven(item.fields[name]));

/** The item's fields as they would be with what a form holds. */
export const fieldsWith = (item: WorkItem | null, form: readonly FormField[], holding: Holding): WorkItem['fields'] =>
  withHeld(item?.fields ?? {}, wireFields(form, holding));

/** The hall's zone as an offset; times in forms are the hall's wall time. */
export const ZONE_OFFSET = '+08:00';
const ZONE_MS = 8 * 3600 * 1000;

/** µs -> `2026-11-27T03:20` in the hall's zone. */
export const localInput = (us: number): string => new Date(us / 1000 + ZONE_MS).toISOString().slice(0, 16);
/** The reverse; null if it is no time. */
export function timeOfInput(text: string): number | null {
  const ms = Date.parse(`${text}:00${ZONE_OFFSET}`);
  return Number.isNaN(ms) ? null : ms * 1000;
}

/** An item's value as an input holds it. */
export function heldOf(spec: FieldSpec, value: Json | undefined): Held {
  if (spec.type === 'flag') return value === true;
  if (value === undefined || value === null) return '';
  if (spec.type === 'time') return typeof value === 'number' ? localInput(value) : '';
  if (Array.isArray(value) && spec.name === 'script') return value.map(lineOfStep).join('\n');
  if (Array.isArray(value)) return value.map((v) => (typeof v === 'string' ? v : JSON.stringify(v))).join('\n');
  if (typeof value === 'object') return Object.entries(value).map(([k, v]) => `${k}: ${typeof v === 'string' ? v : JSON.stringify(v)}`).join('\n');
  return typeof value === 'number' ? String(value / scaleOf(spec)) : String(value);
}

/** Nobody thinks in seconds at three in the morning: durations are held in minutes. */
export const isDuration = (spec: FieldSpec): boolean => spec.type === 'number' && spec.unit === 's';
const scaleOf = (spec: FieldSpec): number => (isDuration(spec) ? 60 : 1);

const lines = (text: string): string[] => text.split('\n').map((x) => x.trim()).filter(Boolean);

function scalar(text: string): Json {
  const number = Number(text);
  if (text === 'true' || text === 'false') return text === 'true';
  return text !== '' && Number.isFinite(number) ? number : text;
}

function record(text: string): Json {
  return Object.fromEntries(lines(text).map((line) => {
    const at = line.search(/[:：]/);
    return at < 0 ? [line, ''] : [line.slice(0, at).trim(), scalar(line.slice(at + 1).trim())];
  }));
}

/** What is sent; undefined: not given. The server checks; this only gives it the right type. */
export function wireOf(spec: FieldSpec, held: Held | undefined): Json | undefined {
  if (spec.type === 'flag') return held === true;
  const text = typeof held === 'string' ? held.trim() : '';
  if (text === '') return undefined;
  switch (spec.type) {
    case 'number':
      return Number.isFinite(Number(text)) ? Number(text) * scaleOf(spec) : text;
    case 'time':
      return timeOfInput(text) ?? text;
    case 'list':
      return spec.name === 'script' ? lines(text).map(stepOfLine) : lines(text);
    case 'record':
      return record(text);
    default:
      return text;
  }
}

/** The fields of a form that were given; flags only where they were touched or stand. */
export function wireFields(fields: readonly FormField[], holding: Holding): Record<string, Json> {
  const out: Record<string, Json> = {};
  for (const { spec } of fields) {
    if (!(spec.name in holding)) continue;
    const value = wireOf(spec, holding[spec.name]);
    if (value !== undefined) out[spec.name] = value;
  }
  return out;
}

/** Names of what was changed in a form since it was opened. */
export const changed = (before: Holding, now: Holding): string[] => Object.keys(now).filter((name) => now[name] !== (before[name] ?? ''));

/** Names of required fields that are still empty. */
export const missing = (fields: readonly FormField[], holding: Holding): string[] =>
  fields.filter((f) => f.required && f.spec.type !== 'flag' && wireOf(f.spec, holding[f.spec.name]) === undefined).map((f) => f.spec.name);
