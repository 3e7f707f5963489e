// The work systems on the wire: items of every kind, the flows that describe them, and the doors to both.
// Times are µs since the epoch; the field values of an item are JSON by the type its flow gives.
import { getJson, postFile, postJson } from './client';
import type { Actor, Permission } from './types';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export const KINDS = [
  'order', 'shift', 'swap', 'handover', 'roll_call', 'call', 'hidden_danger', 'incident', 'lesson', 'drill', 'note', 'vigilance',
] as const;
export type Kind = (typeof KINDS)[number];

export interface Attachment { readonly id: string; readonly name: string; readonly media_type: string; readonly bytes: number }
export interface Link { readonly rel: string; readonly to: string }
export interface Party {
  readonly id: string;
  readonly kind: string;
  readonly name_zh: string;
  readonly name_en: string;
  readonly telephone: string;
  readonly superior?: string | null;
  readonly town?: string;
  readonly industry?: string;
}
export interface Deadline {
  readonly name: string;
  readonly at: number;
  readonly rung: number;
  readonly overdue_since: number | null;
  /** Key of the profile value it came from; empty: given by a person. */
  readonly profile: string;
  readonly source: string;
  /** V verified, S secondary, K knowledge, G our guess. */
  readonly confidence: string;
  readonly article: string;
}
export interface LogEntry {
  readonly seq: number;
  readonly at: number;
  readonly action: string;
  readonly from: string;
  readonly to: string;
  readonly by: Actor;
  readonly note: string;
  readonly fields: Readonly<Record<string, Json>>;
  readonly attachments: readonly Attachment[];
}
export interface WorkItem {
  readonly id: string;
  readonly kind: Kind;
  readonly seq: number;
  readonly state: string;
  readonly ended: boolean;
  readonly title: string;
  readonly provenance: 'real' | 'exercise';
  readonly fields: Readonly<Record<string, Json>>;
  readonly links: readonly Link[];
  readonly deadlines: readonly Deadline[];
  readonly receiver: Party | null;
  readonly owner: string | null;
  readonly created_at: number;
  readonly created_by: Actor;
  readonly ended_at: number | null;
  /** Oldest first; empty in lists. */
  readonly log?: readonly LogEntry[];
  /** Names of the actions possible from this state. */
  readonly actions: readonly string[];
}

export interface Choice { readonly value: string; readonly zh: string; readonly en: string }
export type FieldType = 'text' | 'long_text' | 'number' | 'flag' | 'time' | 'choice' | 'party' | 'account' | 'list' | 'record';
export interface FieldSpec {
  readonly name: string;
  readonly zh: string;
  readonly en: string;
  readonly type: FieldType;
  readonly unit?: string;
  readonly choices?: readonly Choice[];
  /** May be given when the item is created, and must be. */
  readonly create: boolean;
  readonly required: boolean;
}
export interface StateSpec { readonly name: string; readonly zh: string; readonly en: string; readonly ended: boolean }
export interface ActionSpec {
  readonly name: string;
  readonly zh: string;
  readonly en: string;
  readonly from: readonly string[];
  /** Empty: the state stays. */
  readonly to: string;
  readonly by: string;
  /** What staff of the hall need for it. */
  readonly permission: Permission;
  /** Field names, or `note`. */
  readonly required: readonly string[];
  /** Field names that may be given too. */
  readonly accepts: readonly string[];
}
export interface DeadlineSpec { readonly name: string; readonly zh: string; readonly en: string }
export interface Flow {
  readonly kind: Kind;
  readonly prefix: string;
  readonly zh: string;
  readonly en: string;
  readonly initial: string;
  /** Whether an item is for a party: n parties, n items. */
  readonly receivers: 'none' | 'optional' | 'required';
  readonly states: readonly StateSpec[];
  readonly actions: readonly ActionSpec[];
  readonly fields: readonly FieldSpec[];
  readonly deadlines: readonly DeadlineSpec[];
}

interface WorkFrameBody {
  readonly seq: number;
  readonly item: WorkItem;
  readonly from: string | null;
  readonly action: string;
  readonly actor: Actor;
  readonly note: string;
  readonly cause: { readonly kind: string };
  readonly detected_at: number;
  readonly committed_at?: number | null;
  readonly provisional?: boolean;
}
export type WorkFrame = WorkFrameBody & { readonly type: 'work' };

export interface WorkList { readonly seq: number; readonly total: number; readonly items: readonly WorkItem[] }
export interface WorkQuery {
  kind?: Kind;
  state?: string;
  open?: boolean;
  enterprise?: string;
  town?: string;
  industry?: string;
  grade?: string;
  source?: string;
  receiver?: string;
  owner?: string;
  overdue?: boolean;
  q?: string;
  before?: string | number;
  limit?: number;
}
export type AggregateBy = 'town' | 'industry' | 'enterprise' | 'source' | 'grade' | 'state' | 'category';
export interface AggregateRow {
  readonly key: string;
  readonly total: number;
  readonly open: number;
  readonly overdue: number;
  readonly closed: number;
  readonly overdue_rate: number;
  readonly closure_rate: number;
  readonly mean_days: number | null;
  readonly recurrence_rate: number;
}
export interface Done { readonly seq: number; readonly ids: readonly string[] }
export interface CreateBody {
  readonly kind: Kind;
  readonly fields: Readonly<Record<string, Json>>;
  readonly links: readonly Link[];
  readonly receivers: readonly string[];
  readonly seen: number | null;
  readonly provenance?: 'real' | 'exercise';
}
export interface ActBody {
  readonly seq: number;
  readonly fields: Readonly<Record<string, Json>>;
  readonly note: string;
  readonly attachments: readonly string[];
}
export interface OpenLoop {
  readonly ref: string;
  readonly kind: string;
  readonly title: string;
  readonly state: string;
  readonly owner: string | null;
  readonly due: number | null;
  readonly why: string;
}
export interface PlanTask {
  readonly id: string;
  readonly group: string;
  readonly role: string;
  readonly receiver: string;
  readonly text_zh: string;
  readonly text_en: string;
  readonly after: readonly string[];
  readonly ack_within_s: number;
  readonly complete_within_s: number;
}
export interface PlanCard {
  readonly id: string;
  readonly hazard: string;
  readonly name_zh: string;
  readonly name_en: string;
  readonly source: string;
  readonly confidence: string;
  readonly groups: readonly { readonly id: string; readonly name_zh: string; readonly name_en: string }[];
  readonly roles: readonly string[];
  readonly levels: Readonly<Record<string, readonly PlanTask[]>>;
  readonly checklists: readonly { readonly chemical: string; readonly items: readonly (readonly [string, string])[] }[];
}
export interface ProfileValue {
  readonly key: string;
  readonly value: number;
  readonly unit: string;
  readonly source: string;
  readonly confidence: string;
  readonly article: string;
}
export interface TimelineRow {
  readonly at: number;
  readonly seq: number;
  readonly kind: string;
  readonly ref: string;
  readonly text_zh: string;
  readonly text_en: string;
  readonly actor: string;
  readonly provenance: 'real' | 'exercise';
}

const item = (id: string): string => `/api/v1/work/${encodeURIComponent(id)}`;

export const listWork = (query: WorkQuery): Promise<WorkList> => getJson('/api/v1/work', { ...query });
export const readWork = (id: string): Promise<WorkItem> => getJson(item(id));
export const aggregateWork = (by: AggregateBy, query: WorkQuery): Promise<{ rows: readonly AggregateRow[] }> =>
  getJson('/api/v1/work/aggregate', { ...query, by });
export const createWork = (body: CreateBody, key: string): Promise<Done> => postJson('/api/v1/work', body, key);
export const actOnWork = (id: string, action: string, body: ActBody, key: string): Promise<Done> =>
  postJson(`${item(id)}/${encodeURIComponent(action)}`, body, key);
export const attach = (file: File, key: string): Promise<Attachment> =>
  postFile(`/api/v1/attachments?name=${encodeURIComponent(file.name)}`, file, key);
export const attachmentUrl = (id: string): string => `/api/v1/attachments/${encodeURIComponent(id)}`;
export const exportUrl = (id: string, format: 'json' | 'csv'): string => `${item(id)}/export?format=${format}`;
export const readFlows = (): Promise<{ flows: readonly Flow[] }> => getJson('/api/v1/flows');
export const readParties = (): Promise<{ parties: readonly Party[] }> => getJson('/api/v1/parties');
export const readPlans = (): Promise<{ plans: readonly PlanCard[] }> => getJson('/api/v1/plans');
export const readProfile = (): Promise<{ values: readonly ProfileValue[] }> => getJson('/api/v1/profile');
export const readTimeline = (query: { from?: number; to?: number; item?: string; limit?: number }): Promise<{ rows: readonly TimelineRow[] }> =>
  getJson('/api/v1/timeline', query);
export const readOpenLoops = (): Promise<{ items: readonly OpenLoop[] }> => getJson('/api/v1/handover/open');
export const fieldLink = (party: string, valid_h: number, key: string): Promise<{ url: string; expires_at: number }> =>
  postJson('/api/v1/field-links', { party, valid_h }, key);
