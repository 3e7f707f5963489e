// A timeline kept fresh by the stream: asked for again when something it shows has changed, at most so often.
import { onScopeDispose, type ShallowRef, shallowRef, watch } from 'vue';
import { readTimeline, type TimelineQuery, type TimelineRow } from '../api/work';
import type { Problem } from '../api/types';
import { problemOf } from './actions';

/** Between two questions at least, ms: a flood must not become a flood of questions. */
const GAP_MS = 1_000;

/** `changed`: a number that grows when the answer may differ. */
export function useTimeline(query: () => TimelineQuery, changed: () => number): { rows: ShallowRef<readonly TimelineRow[]>; problem: ShallowRef<Problem | null> } {
  const rows = shallowRef<readonly TimelineRow[]>([]);
  const problem = shallowRef<Problem | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = -GAP_MS;

  async function load(): Promise<void> {
    timer = undefined;
    last = performance.now();
    const asked = JSON.stringify(query());
    try {
      const answer = await readTimeline(query());
      if (asked === JSON.stringify(query())) [rows.value, problem.value] = [answer.rows, null];
    } catch (error) {
      problem.value = problemOf(error);
    }
  }
  watch([() => JSON.stringify(query()), changed], () => {
    timer ??= setTimeout(load, Math.max(0, last + GAP_MS - performance.now()));
  }, { immediate: true });
  onScopeDispose(() => clearTimeout(timer));
  return { rows, problem };
}
