// The question whether somebody is there, and its answer.
import { computed } from 'vue';
import type { WorkItem } from '../api/work';
import { can } from './session';
import { act, itemsOf, NO_DEED } from './work';

export const vigilance = computed<WorkItem | null>(() => itemsOf('vigilance').find((v) => !v.ended) ?? null);

export async function answerVigilance(key: string): Promise<void> {
  const item = vigilance.value;
  if (item && can('watch.keep')) await act(item, 'answer', NO_DEED, key);
}
