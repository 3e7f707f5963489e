// What must hold for a step besides its required fields, read from the flow's table: said before the kernel refuses (H3, H4, X4).
import type { ActionSpec, Flow, Json, Kind, WorkItem } from '../api/work';

type Fields = WorkItem['fields'];

export const isGiven = (value: Json | undefined): boolean =>
  value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);

export const withHeld = (fields: Fields, held: Fields): Fields => ({ ...fields, ...held });

const lacks = (fields: Fields, names: readonly string[]): string[] => names.filter((name) => !isGiven(fields[name]));

/** Fields that the guards make mandatory for these values, given or not. */
export function needed(action: ActionSpec, fields: Fields): string[] {
  const conditional = action.guards.flatMap((g) => (g.type === 'fields_when' && fields[g.field] === g.is ? g.required : []));
  const set = action.guards.flatMap((g) => (g.type === 'set' && action.accepts.includes(g.field) ? [g.field] : []));
  return [...new Set([...conditional, ...set])];
}

/** A field that the step needs and cannot give: there is nothing to approve, refuse or resume yet. */
export const isPointless = (action: ActionSpec, fields: Fields): boolean =>
  action.guards.some((g) => g.type === 'set' && !action.accepts.includes(g.field) && !action.required.includes(g.field) && !isGiven(fields[g.field]));

/** The field that names this very person where another must act (four eyes); null: nothing against it. */
export function ownDeed(action: ActionSpec, fields: Fields, account: string): string | null {
  for (const g of action.guards) if (g.type === 'other_person_than' && account !== '' && fields[g.field] === account) return g.field;
  return null;
}

/** Linked items that keep the step from being done: open ones, or open ones without an owner. */
export function holding(action: ActionSpec, linked: (kind: Kind) => readonly WorkItem[]): WorkItem[] {
  return action.guards.flatMap((g) => {
    if (g.type === 'no_open_linked') return linked(g.kind as Kind).filter((x) => !x.ended);
    return g.type === 'linked_have_owner' ? linked(g.kind as Kind).filter((x) => !x.ended && !x.owner) : [];
  });
}

export interface Need { readonly action: ActionSpec; readonly missing: readonly string[] }

/** Steps from a state whose guards miss something with these values: what to fill in before it is refused. */
export function needs(flow: Flow, state: string, fields: Fields): Need[] {
  const next = flow.actions.filter((a) => a.by !== 'system' && a.from.includes(state));
  return next.map((action) => ({ action, missing: lacks(fields, needed(action, fields)) })).filter((n) => n.missing.length > 0);
}
