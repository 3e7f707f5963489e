// What an alarm already knows of an incident or a hidden danger, as far as the flow asks for it.
import type { Alarm } from '../api/types';
import type { FieldSpec, Flow, Json, Link } from '../api/work';
import { heldOf, type Holding } from './flow';

/** Names of places and words that only the views know. */
export interface AlarmWords {
  readonly place: string;
  readonly text: string;
  readonly finder: string;
  /** Who told: the measuring system. */
  readonly reporter: string;
}

export const linksOfAlarm = (a: Alarm): Link[] => [
  { rel: 'alarm', to: a.alarm_id },
  ...(a.tag ? [{ rel: 'tag', to: `${a.enterprise}/${a.tag}` }] : []),
];

/** Plan cards and their checklists by what the tag measures; a person corrects it in the form. */
const HAZARDS: readonly (readonly [RegExp, string, string])[] = [
  [/nh3|氨/i, 'ammonia_leak', 'ammonia'], [/cl2|氯/i, 'chlorine_leak', 'chlorine'], [/dust|粉尘/i, 'dust_explosion', 'metal_dust'],
  [/smoke|fire|烟|火/i, 'crowded_building_fire', 'shopping_mall'], [/lel|可燃|油/i, 'flammable_liquid_tank_fire', 'non_polar'],
];

export function hazardOf(a: Pick<Alarm, 'tag' | 'message_zh'>): { hazard?: string; chemical?: string } {
  const found = HAZARDS.find(([pattern]) => pattern.test(`${a.tag} ${a.message_zh}`));
  return found ? { hazard: found[1], chemical: found[2] } : {};
}

/** Field names of the flows -> what the alarm says; a flow takes those it has. */
export const knownOfAlarm = (a: Alarm, w: AlarmWords): Readonly<Record<string, Json>> => ({
  title: w.text,
  place: w.place,
  enterprise: a.enterprise,
  finder: w.finder,
  source: 'alarm',
  category: 'scene',
  ...hazardOf(a),
  happened_at: a.raised_at,
  reported_by: w.reporter,
});

function fits(spec: FieldSpec, value: Json): boolean {
  return spec.type !== 'choice' || (spec.choices?.some((c) => c.value === value) ?? false);
}

export function presetHolding(flow: Flow, known: Readonly<Record<string, Json>>): Holding {
  const given = flow.fields.filter((f) => f.create && f.name in known && fits(f, known[f.name] ?? null));
  return Object.fromEntries(given.map((f) => [f.name, heldOf(f, known[f.name])]));
}
