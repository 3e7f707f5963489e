// The incident room's figures: nine stamps with their gaps (X3), what a change of level adds and withdraws (X2).
import type { Json, PlanCard, PlanTask, WorkItem } from '../api/work';
import { isRecord, recordsOf } from './items';

/** 征兆, 报警, 首看, 确认, 首令, 首到场, 首报, 预警, 受控, in the order of a good day. */
export const STAMPS = ['sign', 'alarm', 'first_look', 'confirmed', 'first_order', 'first_arrival', 'first_report', 'warning', 'controlled'] as const;
export type StampName = (typeof STAMPS)[number];

/** What whoever takes the call asks at once; without a name nobody can speak of it. */
export const INCIDENT_ASKS: readonly string[] = ['title', 'enterprise', 'place', 'happened_at', 'reported_by', 'hazard'];
export const INCIDENT_NEEDS: readonly string[] = ['title'];

export interface Stamp {
  readonly name: StampName;
  /** µs; null: not yet. */
  readonly at: number | null;
  /** Seconds since the last stamp before it that is set, and the target for that; null: none. */
  readonly gapS: number | null;
  readonly targetS: number | null;
  readonly late: boolean;
}

const part = (value: Json | undefined, name: string): Json | undefined => (isRecord(value) ? value[name] : undefined);
const numberIn = (value: Json | undefined, name: string): number | null => {
  const found = part(value, name);
  return typeof found === 'number' ? found : null;
};

/** As the kernel keeps them: times in `stamps`, gaps with their targets in `gaps`. */
export function stamps(item: WorkItem): Stamp[] {
  return STAMPS.map((name) => {
    const gap = part(item.fields.gaps, name);
    const [gapS, targetS] = [numberIn(gap, 's'), numberIn(gap, 'target_s')];
    return { name, at: numberIn(item.fields.stamps, name), gapS, targetS, late: gapS !== null && targetS !== null && gapS > targetS };
  });
}

export interface TaskDiff {
  readonly added: readonly PlanTask[];
  readonly kept: readonly PlanTask[];
  readonly removed: readonly PlanTask[];
}

const tasksAt = (plan: PlanCard | undefined, level: number): readonly PlanTask[] => plan?.levels[String(level)] ?? [];

/** From level 0 (none) everything is added. */
export function diffTasks(plan: PlanCard | undefined, from: number, to: number): TaskDiff {
  const [before, after] = [tasksAt(plan, from), tasksAt(plan, to)];
  const [had, has] = [new Set(before.map((x) => x.id)), new Set(after.map((x) => x.id))];
  return { added: after.filter((x) => !had.has(x.id)), kept: after.filter((x) => had.has(x.id)), removed: before.filter((x) => !has.has(x.id)) };
}

export const LEVEL_WORDS = ['I', 'II', 'III', 'IV'] as const;
/** Response level 1 to 4; 0: none. */
export const levelNumber = (value: Json | undefined): number => LEVEL_WORDS.findIndex((l) => l === value) + 1;
export const levelWord = (level: number): string => LEVEL_WORDS[level - 1] ?? 'IV';

export interface RoleHeld { readonly role: string; readonly who: string }

/** The plan's roles first, filled or not, then others that were given. */
export function rolesHeld(item: WorkItem, planned: readonly string[]): RoleHeld[] {
  const held = new Map<string, string>(planned.map((role) => [role, '']));
  const { roles } = item.fields;
  if (isRecord(roles)) for (const [role, who] of Object.entries(roles)) held.set(role, String(who ?? ''));
  return [...held].map(([role, who]) => ({ role, who }));
}

export interface CheckLine { readonly no: number; readonly zh: string; readonly en: string; readonly at: number | null; readonly by: string; readonly done: boolean }

export const checkLines = (item: WorkItem): CheckLine[] =>
  recordsOf(item, 'checklist').map((r, no) => ({
    no, zh: String(r.text_zh ?? ''), en: String(r.text_en ?? ''), done: r.done === true, at: typeof r.at === 'number' ? r.at : null, by: String(r.by ?? ''),
  }));

export interface Pin { readonly at: number; readonly text: string; readonly by: string }

export const pinsOf = (item: WorkItem): Pin[] =>
  recordsOf(item, 'pins').map((r) => ({ at: typeof r.at === 'number' ? r.at : 0, text: String(r.text ?? ''), by: String(r.by ?? '') }));
