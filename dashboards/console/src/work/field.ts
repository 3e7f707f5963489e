// The phone's choice of steps: one that comes next, the rest beside it; hall steps are not shown.
import type { WorkItem } from '../api/work';

export interface Step {
  readonly action: string;
  /** Asks for words or a photo, or must not happen by a slip of the thumb. */
  readonly sheet: boolean;
}

/** In the order of the work; the first possible one is the large button. */
const MAIN: readonly Step[] = [
  { action: 'acknowledge', sheet: false },
  { action: 'arrive', sheet: false },
  { action: 'complete', sheet: true },
];
const OTHERS: readonly Step[] = [
  { action: 'feedback', sheet: true },
  { action: 'start', sheet: false },
  { action: 'work', sheet: false },
  { action: 'complete', sheet: true },
  { action: 'return', sheet: false },
  { action: 'reject', sheet: true },
];

/** The table allows 到场 twice; on the phone it has been said once the team is there. */
const ON_SCENE: ReadonlySet<string> = new Set(['on_scene', 'working', 'returned']);
const isDone = (order: WorkItem, step: Step): boolean =>
  ON_SCENE.has(String(order.fields.team_state ?? '')) && (step.action === 'arrive' || step.action === 'start');

const possible = (order: WorkItem, step: Step): boolean => order.actions.includes(step.action) && !isDone(order, step);

export const mainStep = (order: WorkItem): Step | null => MAIN.find((s) => possible(order, s)) ?? null;
export const otherSteps = (order: WorkItem): Step[] => OTHERS.filter((s) => possible(order, s) && s.action !== mainStep(order)?.action);
