// A field's value in words, by the type its flow gives; what the flow does not know is shown as it came, never hidden.
import { computed } from 'vue';
import type { Choice, FieldSpec, Json, Kind, WorkItem } from '../api/work';
import { pick, t, word } from '../i18n';
import { age, figure, shortTime } from '../i18n/time';
import { fieldOf } from '../work/flow';
import { isGiven } from '../work/guard';
import { lineOfStep } from '../work/script';
import { serverSecond } from './clock';
import { enterpriseName } from './site';
import { accountName, fieldLabel, flowOf, partyName, plans } from './work';

/** Words that plan cards know: offered as choices where the flow only says "text". */
const planned = computed<Readonly<Record<string, Choice[]>>>(() => ({
  plan: plans.value.map((p) => ({ value: p.id, zh: p.name_zh, en: p.name_en })),
  hazard: plans.value.map((p) => ({ value: p.hazard, zh: p.name_zh, en: p.name_en })),
  chemical: [...new Set(plans.value.flatMap((p) => p.checklists.map((c) => c.chemical)))].filter(Boolean).map((value) => ({ value, zh: word('chemical', value), en: word('chemical', value) })),
}));

/** A field as forms and texts use it; a word outside the plans stays free text. */
export function offered(spec: FieldSpec, held: string): FieldSpec {
  const choices = spec.type === 'text' ? planned.value[spec.name] : undefined;
  return choices && choices.length > 0 && (held === '' || choices.some((c) => c.value === held)) ? { ...spec, type: 'choice', choices } : spec;
}

export const specOf = (kind: Kind, name: string): FieldSpec | undefined => fieldOf(flowOf(kind), name);

const choice = (spec: FieldSpec, value: string): string => {
  const found = spec.choices?.find((c) => c.value === value);
  return found ? pick(found.zh, found.en) : value;
};

function number(spec: FieldSpec | undefined, value: number): string {
  if (spec?.type === 'time') return shortTime(value, serverSecond.value);
  if (spec?.unit === 's') return age(value * 1e6);
  const digits = Number.isInteger(value) ? String(value) : figure(value);
  return spec?.unit ? `${digits} ${word('unit', spec.unit)}` : digits;
}

function text(given: FieldSpec | undefined, value: string): string {
  const spec = given && offered(given, value);
  if (spec?.type === 'choice') return choice(spec, value);
  if (spec?.type === 'party') return partyName(value);
  if (spec?.type === 'account' || spec?.type === 'person') return accountName(value);
  if (spec?.name === 'town') return partyName(value);
  if (spec?.name === 'industry') return word('industry', value);
  return spec?.name === 'enterprise' ? enterpriseName(value) : value;
}

/** Inside a record only the name says what a number is. */
const partText = (name: string, value: Json): string =>
  typeof value === 'number' && /(^|_)at$/.test(name) ? shortTime(value, serverSecond.value) : valueText(undefined, value);

/** One value as a line of text. */
export function valueText(spec: FieldSpec | undefined, value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'boolean') return t(value ? 'work.yes' : 'work.no');
  if (typeof value === 'number') return number(spec, value);
  if (typeof value === 'string') return text(spec, value);
  if (Array.isArray(value) && spec?.name === 'script') return value.map(lineOfStep).join('\n');
  if (Array.isArray(value)) return value.map((v) => valueText(spec, v)).join(t('work.separator'));
  return Object.entries(value).map(([k, v]) => `${word('part', k)} ${partText(k, v)}`).join(t('work.comma'));
}

export interface Shown { readonly name: string; readonly label: string; readonly text: string; readonly long: boolean }

/** The given fields of an item in the flow's order, then those the flow lacks. */
export function shownFields(kind: Kind, fields: WorkItem['fields'], leave: readonly string[] = []): Shown[] {
  const flow = flowOf(kind);
  const known = flow?.fields.map((f) => f.name) ?? [];
  const names = [...known, ...Object.keys(fields).filter((n) => !known.includes(n))];
  return names.filter((n) => isGiven(fields[n]) && !leave.includes(n)).map((name) => {
    const spec = fieldOf(flow, name);
    const shown = valueText(spec, fields[name]);
    return { name, label: fieldLabel(kind, name), text: shown, long: shown.length > 40 };
  });
}
