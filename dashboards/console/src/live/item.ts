// One item with its log: asked for once, then every frame of the stream adds its step.
import { computed, type ComputedRef, type Ref, type ShallowRef, shallowRef, watch } from 'vue';
import { readWork, type WorkItem } from '../api/work';
import type { Problem } from '../api/types';
import { problemOf } from './actions';
import { joined } from '../work/items';
import { itemOf } from './work';

export function useItem(id: Readonly<Ref<string>>): { item: ComputedRef<WorkItem | null>; problem: ShallowRef<Problem | null> } {
  const loaded = shallowRef<WorkItem | null>(null);
  const problem = shallowRef<Problem | null>(null);
  const live = computed(() => itemOf(id.value));
  const mine = computed(() => (loaded.value?.id === id.value ? loaded.value : null));
  const whole = computed(() => (mine.value && live.value ? joined(mine.value, live.value) : mine.value));
  // While a missed step is asked for, what is there is shown with the steps that were known.
  const item = computed(() => whole.value ?? (mine.value && live.value ? { ...live.value, log: mine.value.log ?? [] } : (live.value ?? null)));

  async function load(): Promise<void> {
    const asked = id.value;
    try {
      const answer = await readWork(asked);
      if (asked === id.value) [loaded.value, problem.value] = [answer, null];
    } catch (error) {
      problem.value = problemOf(error);
    }
  }
  // A hole is asked for again: a list came in between that had the item newer than we knew it.
  const hole = computed(() => (mine.value && !whole.value ? (live.value?.since ?? 0) : 0));
  watch(id, load, { immediate: true });
  watch(hole, (since) => since > 0 && load());
  return { item, problem };
}
