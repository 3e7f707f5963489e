// A roll-call's figures: answered, absent, waiting; latency of the answers.
import type { WorkItem } from '../api/work';
import { numberOf } from './items';

export interface RollFigures {
  readonly total: number;
  readonly answered: number;
  readonly missed: number;
  readonly waiting: number;
  /** Seconds; null: nobody answered yet. */
  readonly meanS: number | null;
  readonly slowestS: number | null;
}

export const latencyOf = (call: WorkItem): number | null => numberOf(call, 'latency_s');
/** Somebody who was seen to be away has a latency too, but did not answer. */
const answered = (call: WorkItem): boolean => call.state === 'answered';

export function figures(calls: readonly WorkItem[]): RollFigures {
  const latencies = calls.filter(answered).map(latencyOf).filter((x): x is number => x !== null);
  const missed = calls.filter((c) => c.ended && !answered(c)).length;
  return {
    total: calls.length, answered: latencies.length, missed, waiting: calls.length - latencies.length - missed,
    meanS: latencies.length > 0 ? latencies.reduce((a, b) => a + b, 0) / latencies.length : null,
    slowestS: latencies.length > 0 ? Math.max(...latencies) : null,
  };
}

/** Who did not answer stands first, then who still may, then the slowest. */
export const compareCalls = (a: WorkItem, b: WorkItem): number => order(a) - order(b) || (latencyOf(b) ?? 0) - (latencyOf(a) ?? 0);
const order = (c: WorkItem): number => (answered(c) ? 2 : c.ended ? 0 : 1);
