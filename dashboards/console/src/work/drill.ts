// What the pages need to know of a drill beyond its flow.
import type { WorkItem } from '../api/work';

/** Between its start and its end: exercise items may appear on every page. */
export const isRunning = (drill: WorkItem): boolean => drill.state === 'running';
