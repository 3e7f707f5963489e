// What the pages need to know of a drill beyond its flow.
import type { WorkItem } from '../api/work';

const RUNNING: ReadonlySet<string> = new Set(['running', 'in_progress', 'directing']);

/** Between its start and its end: exercise items may appear on every page. */
export const isRunning = (drill: WorkItem): boolean => !drill.ended && RUNNING.has(drill.state);
