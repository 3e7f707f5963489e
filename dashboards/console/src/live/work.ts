// The work systems for the views: flows, parties and plans by name, and what a person does with an item.
import { computed, shallowRef } from 'vue';
import { post } from '../api/client';
import {
  type ActionSpec, actOnWork, type Attachment, createWork, type Flow, type Json, type Kind, type Link, type Party, type PlanCard, type Provenance,
  readFlows, readParties, readPlans, type WorkItem,
} from '../api/work';
import type { Alarm } from '../api/types';
import { pick, t, word } from '../i18n';
import { actionOf, fieldOf } from '../work/flow';
import { ofKind, PRIORITY_WORDS } from '../work/items';
import { during } from './actions';
import { hall } from './hall';
import { loadPeople, people } from './people';
import { can, me } from './session';
import { toast } from './toast';

const flows = shallowRef<ReadonlyMap<Kind, Flow>>(new Map());
export const parties = shallowRef<readonly Party[]>([]);
export const plans = shallowRef<readonly PlanCard[]>([]);
const partyById = computed(() => new Map(parties.value.map((p) => [p.id, p])));

/** Tables that change only with the server's settings; loaded with the session. */
export async function loadWorkTables(): Promise<void> {
  flows.value = new Map((await readFlows()).flows.map((flow) => [flow.kind, flow]));
  if (me.value?.role === 'field') return; // whom else the hall can reach is not theirs to see
  const [known, cards] = await Promise.all([readParties(), readPlans(), loadPeople()]);
  parties.value = known.parties;
  plans.value = cards.plans;
}

export const flowOf = (kind: Kind): Flow | undefined => flows.value.get(kind);
export const itemsOf = (kind: Kind): WorkItem[] => ofKind(hall.value.items, kind);
/** Items that this console knows and that hang on one. */
export const linkedOf = (id: string, kind: Kind): WorkItem[] => itemsOf(kind).filter((x) => x.links.some((l) => l.to === id));
export const itemOf = (id: string): WorkItem | undefined => hall.value.items.get(id);

const named = (spec: { zh: string; en: string } | undefined, name: string): string => (spec ? pick(spec.zh, spec.en) : name);
export const kindLabel = (kind: Kind): string => named(flowOf(kind), kind);
export const stateLabel = (kind: Kind, state: string): string => named(flowOf(kind)?.states.find((s) => s.name === state), state);
/** Steps that no table has: making an item, and the rungs of a ladder. */
export const actionLabel = (kind: Kind, action: string): string => {
  const spec = actionOf(flowOf(kind), action);
  return spec ? pick(spec.zh, spec.en) : word('step', action);
};
export const fieldLabel = (kind: Kind, field: string): string => named(fieldOf(flowOf(kind), field), field);
export const deadlineLabel = (kind: Kind, name: string): string => named(flowOf(kind)?.deadlines.find((d) => d.name === name), name);
export const partyName = (id: string): string => {
  const party = partyById.value.get(id);
  return party ? pick(party.name_zh, party.name_en) : id;
};
/** Names of accounts: those of the hall now, and those this console has met in items, in the status, at the log-in. */
const accountNames = computed(() => {
  const names = new Map<string, string>();
  for (const { created_by, log } of hall.value.items.values()) for (const actor of [created_by, ...(log ?? []).map((e) => e.by)]) names.set(actor.account, actor.name);
  const { shift } = hall.value;
  for (const actor of shift ? [shift.leader, shift.main, ...shift.deputies, ...shift.standby] : []) if (actor) names.set(actor.account, actor.name);
  for (const p of people.value) names.set(p.account, p.name);
  if (me.value) names.set(me.value.account, me.value.name);
  return names;
});
/** An owner may be an account or, as `party:id`, somebody in the field. */
export const accountName = (account: string): string => accountNames.value.get(account) ?? partyName(account.replace(/^party:/, ''));
/** The hall's own deeds carry its name, in the person's language. */
export const actorName = (by: { account: string; name: string }): string => (by.account === 'system' ? word('role', 'system') : by.name);
export const receiverName = (item: WorkItem): string =>
  item.receiver ? pick(item.receiver.name_zh, item.receiver.name_en) || item.receiver.id : '';

const isField = computed(() => me.value?.role === 'field');

/** The buttons of an item: what its state allows and what is a person's to do. The server decides who may. */
export function actionsOf(item: WorkItem): ActionSpec[] {
  const flow = flowOf(item.kind);
  if (!flow) return [];
  const specs = item.actions.map((name) => actionOf(flow, name)).filter((a): a is ActionSpec => a !== undefined);
  return specs.filter((a) => a.by !== 'system' && (isField.value ? a.by !== 'hall' : can(a.permission)));
}

/** Whether this person may make one; the flow says what it needs. */
export function canMake(kind: Kind): boolean {
  const flow = flowOf(kind);
  return flow !== undefined && can(flow.permission);
}

export interface Deed {
  readonly fields: Readonly<Record<string, Json>>;
  readonly note: string;
  readonly attachments: readonly Attachment[];
}

export const NO_DEED: Deed = { fields: {}, note: '', attachments: [] };

export const act = (item: WorkItem, action: string, deed: Deed, key: string): Promise<unknown> =>
  during(item.id, () => actOnWork(item.id, action, { seq: item.seq, fields: deed.fields, note: deed.note, attachments: deed.attachments.map((a) => a.id) }, key));

export interface Draft {
  readonly fields: Readonly<Record<string, Json>>;
  readonly links: readonly Link[];
  readonly receivers: readonly string[];
  readonly seen: number | null;
  readonly provenance?: Provenance;
}

/** Answers the ids of what was made. */
export async function create(kind: Kind, draft: Draft, key: string): Promise<readonly string[]> {
  const { ids } = await createWork({ kind, ...draft }, key);
  toast(t('work.created', { kind: kindLabel(kind), id: ids.join('、') }));
  return ids;
}

export interface OrderDraft {
  readonly receivers: readonly string[];
  readonly place: string;
  readonly content: string;
  readonly ackWithinS: number;
  readonly incident: string | null;
  /** 1 to 5. */
  readonly priority: number;
  /** Newest number that stood on this screen when the form was opened. */
  readonly seen: number;
}

/** One order to n receivers is n tracks (D3); `alarm_seq` lets the server see that somebody dispatched since. */
export async function issueOrder(alarm: Alarm | null, draft: OrderDraft, key: string): Promise<void> {
  const body = {
    alarm_id: alarm?.alarm_id ?? null,
    alarm_seq: alarm ? draft.seen : null,
    incident_id: draft.incident,
    receivers: [...draft.receivers],
    content: draft.content,
    place: draft.place,
    priority: draft.priority,
    ack_within_s: draft.ackWithinS,
  };
  const answer = await post('/api/v1/orders', body, { key });
  toast(t('dispatch.issued', { id: answer.ids.join('、') }));
}

/** An order that is played: its provenance goes with it to the last receipt, and it reaches no real outlet. */
export async function issueExercise(drill: string, draft: OrderDraft, key: string): Promise<void> {
  const fields = { content: draft.content, place: draft.place, priority: PRIORITY_WORDS[draft.priority - 1] ?? 'III', ack_within_s: draft.ackWithinS };
  await create('order', { fields, links: [{ rel: 'drill', to: drill }], receivers: draft.receivers, seen: null, provenance: 'exercise' }, key);
}
