// The question whether somebody is there, and its answer.
import { computed } from 'vue';
import type { WorkItem } from '../api/work';
import { can } from './session';
import { act, itemsOf, NO_DEED } from './work';

export const vigilance = computed<WorkItem | null>(() => itemsOf('vigilance').find((v) => !v.ended) ?? null);

/** The flow's own first step for people; `answer` where it has that name. */
export async function answerVigilance(key: string): Promise<void> {
  const item = vigilance.value;
  if (!item || !can('order.act')) return;
  const action = item.actions.includes('answer') ? 'answer' : item.actions[0];
  if (action !== undefined) await act(item, action, NO_DEED, key);
}
