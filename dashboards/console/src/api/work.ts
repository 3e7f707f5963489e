// The work systems on the wire: items of every kind, the flows that describe them, and the doors to both.
// Shapes are generated from the server's OpenAPI; what a Rust `String` or object cannot say is narrowed here.
// Times are µs since the epoch; the field values of an item are JSON by the type its flow gives.
import { getJson, postFile, postJson } from './client';
import type { components, paths } from './schema';
import type { Permission } from './types';
import { safeName } from '../work/attachment';

type S = components['schemas'];

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export const KINDS = [
  'order', 'shift', 'swap', 'handover', 'roll_call', 'call', 'hidden_danger', 'incident', 'lesson', 'drill', 'note', 'vigilance',
] as const;
export type Kind = (typeof KINDS)[number];

export type Attachment = S['AttachmentView'];
export type Link = S['LinkView'];
export type Party = S['PartyView'];
export type Deadline = S['DeadlineView'];
type Fields = Readonly<Record<string, Json>>;
export type Provenance = 'real' | 'exercise';
export type LogEntry = Omit<S['EntryView'], 'fields'> & { fields: Fields };
/** The schema says "object" of the fields and "string" of the kind; both are narrowed here, once. */
export type WorkItem = Omit<S['WorkItemView'], 'kind' | 'provenance' | 'fields' | 'log'> & {
  kind: Kind;
  provenance: Provenance;
  fields: Fields;
  /** Oldest first; empty in lists, the newest step in frames. */
  log?: readonly LogEntry[];
  /** Ours: every step after this number is in `log`. */
  since?: number;
};

export type Choice = S['ChoiceView'];
export type FieldType = 'text' | 'long_text' | 'number' | 'flag' | 'time' | 'choice' | 'party' | 'account' | 'person' | 'list' | 'record';
export type Guard = S['GuardView'];
export type FieldSpec = Omit<S['FieldView'], 'type'> & { type: FieldType };
export type StateSpec = S['StateView'];
export type ActionSpec = Omit<S['ActionView'], 'permission'> & { permission: Permission };
export type DeadlineSpec = S['DeadlineSpecView'];
export type Flow = Omit<S['FlowView'], 'kind' | 'fields' | 'actions' | 'permission'> & { kind: Kind; permission: Permission; fields: readonly FieldSpec[]; actions: readonly ActionSpec[] };

export type WorkFrame = Omit<S['WorkFrame'], 'type' | 'item'> & { type: 'work'; item: WorkItem };
export type WorkList = Omit<S['WorkView'], 'items'> & { items: WorkItem[] };
type Query<P extends keyof paths> = paths[P] extends { get: { parameters: { query?: infer Q } } } ? Omit<NonNullable<Q>, 'kind'> & { kind?: Kind } : never;
export type WorkQuery = Query<'/api/v1/work'>;
export type AggregateBy = 'town' | 'industry' | 'enterprise' | 'source' | 'grade' | 'state' | 'category';
export type AggregateRow = S['AggregateRow'];
export type Done = S['DoneView'];
export type CreateBody = Omit<S['WorkCreateBody'], 'kind' | 'fields' | 'provenance' | 'links' | 'receivers'> & {
  kind: Kind;
  fields: Fields;
  links: readonly Link[];
  receivers: readonly string[];
  provenance?: Provenance;
};
export type ActBody = Omit<S['WorkActBody'], 'fields' | 'attachments'> & { fields: Fields; attachments: readonly string[] };
export type OpenLoop = S['OpenLoopView'];
export type PlanTask = S['PlanTaskView'];
export type PlanCard = S['PlanCardView'];
export type TimelineRow = Omit<S['TimelineRow'], 'provenance'> & { provenance: Provenance };
export interface TimelineQuery { from?: number; to?: number; item?: string; limit?: number }

const item = (id: string): string => `/api/v1/work/${encodeURIComponent(id)}`;

export const listWork = (query: WorkQuery): Promise<WorkList> => getJson('/api/v1/work', { ...query });
export const readWork = (id: string): Promise<WorkItem> => getJson(item(id));
export type Review = S['ReviewView'];
export const readReview = (id: string): Promise<Review> => getJson(`${item(id)}/review`);
export const aggregateWork = (by: AggregateBy, query: WorkQuery): Promise<{ rows: readonly AggregateRow[] }> =>
  getJson('/api/v1/work/aggregate', { ...query, by });
export const createWork = (body: CreateBody, key: string): Promise<Done> => postJson('/api/v1/work', body, key);
export const actOnWork = (id: string, action: string, body: ActBody, key: string): Promise<Done> =>
  postJson(`${item(id)}/${encodeURIComponent(action)}`, body, key);
export const attach = (file: File, key: string): Promise<Attachment> =>
  postFile(`/api/v1/attachments?name=${encodeURIComponent(safeName(file.name))}`, file, key);
export const attachmentUrl = (id: string): string => `/api/v1/attachments/${encodeURIComponent(id)}`;
export const exportUrl = (id: string, format: 'json' | 'csv'): string => `${item(id)}/export?format=${format}`;
export const readFlows = (): Promise<{ flows: readonly Flow[] }> => getJson('/api/v1/flows');
export const readParties = (): Promise<{ parties: readonly Party[] }> => getJson('/api/v1/parties');
export const readPlans = (): Promise<{ plans: readonly PlanCard[] }> => getJson('/api/v1/plans');
export const readTimeline = (query: TimelineQuery): Promise<{ rows: readonly TimelineRow[] }> =>
  getJson('/api/v1/timeline', { ...query });
export const readOpenLoops = (): Promise<{ items: readonly OpenLoop[] }> => getJson('/api/v1/handover/open');
export const fieldLink = (party: string, valid_h: number, key: string): Promise<S['FieldLinkView']> =>
  postJson('/api/v1/field-links', { party, valid_h }, key);
