// What an alarm already knows of an incident or a hidden danger, as far as the flow asks for it.
import type { Alarm } from '../api/types';
import type { FieldSpec, Flow, Json, Link } from '../api/work';
import { heldOf, type Holding } from './flow';

/** Names of places and words that only the views know. */
export interface AlarmWords {
  readonly place: string;
  readonly text: string;
  readonly finder: string;
  /** Server time, µs. */
  readonly now: number;
}

export const linksOfAlarm = (a: Alarm): Link[] => [
  { rel: 'alarm', to: a.alarm_id },
  ...(a.tag ? [{ rel: 'tag', to: `${a.enterprise}/${a.tag}` }] : []),
];

/** Field names of the flows -> what the alarm says; a flow takes those it has. */
export const knownOfAlarm = (a: Alarm, w: AlarmWords): Readonly<Record<string, Json>> => ({
  title: w.text,
  what: w.text,
  summary: w.text,
  description: w.text,
  content: w.text,
  nature: w.text,
  place: w.place,
  enterprise: a.enterprise,
  unit: a.unit_id,
  tag: a.tag,
  finder: w.finder,
  source: 'alarm',
  grade: 'general',
  category: 'site',
  priority: a.priority,
  hazard: a.class,
  occurred_at: a.raised_at,
  received_at: w.now,
  reported_at: w.now,
  found_at: w.now,
});

function fits(spec: FieldSpec, value: Json): boolean {
  return spec.type !== 'choice' || (spec.choices?.some((c) => c.value === value) ?? false);
}

export function presetHolding(flow: Flow, known: Readonly<Record<string, Json>>): Holding {
  const given = flow.fields.filter((f) => f.create && f.name in known && fits(f, known[f.name] ?? null));
  return Object.fromEntries(given.map((f) => [f.name, heldOf(f, known[f.name])]));
}
