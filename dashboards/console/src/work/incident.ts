// The incident room's figures: nine stamps with their gaps (X3), what a change of level adds and withdraws (X2).
import type { Json, PlanCard, PlanTask, WorkItem } from '../api/work';

/** 征兆, 报警, 首看, 确认, 首令, 首到场, 首报, 预警, 受控, in the order of a good day. */
export const STAMPS = ['sign', 'alarm', 'first_look', 'confirmed', 'first_order', 'first_arrival', 'first_report', 'warning', 'controlled'] as const;
export type StampName = (typeof STAMPS)[number];

export interface Stamp {
  readonly name: StampName;
  /** µs; null: not yet. */
  readonly at: number | null;
  /** µs since the last stamp before it that is set. */
  readonly gap: number | null;
  /** Target for that gap, seconds; null: none. */
  readonly targetS: number | null;
  readonly late: boolean;
}

const isRecord = (value: Json | undefined): value is Record<string, Json> => typeof value === 'object' && value !== null && !Array.isArray(value);
const timeIn = (record: Json | undefined, name: string): number | null => {
  const value = isRecord(record) ? record[name] : undefined;
  return typeof value === 'number' ? value : null;
};

/** `targets`: seconds by stamp. */
export function stamps(item: WorkItem, targets: Readonly<Partial<Record<StampName, number>>>): Stamp[] {
  let before: number | null = null;
  return STAMPS.map((name) => {
    const at = timeIn(item.fields.stamps, name);
    const gap = at !== null && before !== null ? at - before : null;
    const targetS = targets[name] ?? null;
    if (at !== null) before = at;
    return { name, at, gap, targetS, late: gap !== null && targetS !== null && gap > targetS * 1e6 };
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

const ROMAN = ['I', 'II', 'III', 'IV'];
/** Response level 1 to 4 from `1` or `I`; 0: none. */
export const levelNumber = (value: Json | undefined): number => (typeof value === 'number' ? value : ROMAN.indexOf(String(value ?? '')) + 1 || Number(value) || 0);

/** The records of a list field, whatever else stands in it. */
export const recordsOf = (item: WorkItem, field: string): Readonly<Record<string, Json>>[] => {
  const value = item.fields[field];
  return Array.isArray(value) ? value.filter(isRecord) : [];
};
