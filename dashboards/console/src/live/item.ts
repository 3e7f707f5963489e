// One item with its log: asked for once, then kept by the frames of the stream.
import { computed, type ComputedRef, type Ref, type ShallowRef, shallowRef, watch } from 'vue';
import { readWork, type WorkItem } from '../api/work';
import type { Problem } from '../api/types';
import { problemOf } from './actions';
import { itemOf } from './work';

export function useItem(id: Readonly<Ref<string>>): { item: ComputedRef<WorkItem | null>; problem: ShallowRef<Problem | null> } {
  const loaded = shallowRef<WorkItem | null>(null);
  const problem = shallowRef<Problem | null>(null);
  const live = computed(() => itemOf(id.value));
  const item = computed(() => {
    const mine = loaded.value?.id === id.value ? loaded.value : null;
    if (!live.value) return mine;
    if (mine && mine.seq >= live.value.seq) return mine;
    return live.value.log?.length || !mine ? live.value : { ...live.value, log: mine.log };
  });

  async function load(): Promise<void> {
    const asked = id.value;
    try {
      const answer = await readWork(asked);
      if (asked === id.value) [loaded.value, problem.value] = [answer, null];
    } catch (error) {
      problem.value = problemOf(error);
    }
  }
  // A change whose frame brought no log is asked for again; the frames themselves need no question.
  watch([id, () => (live.value?.log?.length ? 0 : (live.value?.seq ?? 0))], load, { immediate: true });
  return { item, problem };
}
