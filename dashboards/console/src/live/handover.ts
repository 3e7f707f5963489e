// The hand-over under way, and its steps; each needs the number of the one before.
import { computed, type ComputedRef } from 'vue';
import { idempotencyKey } from '../api/client';
import { actOnWork, createWork, type Json, type WorkItem } from '../api/work';
import { completesBy, signAction, type Side } from '../work/handover';
import { during } from './actions';
import { itemsOf } from './work';

export function useHandover(): { current: ComputedRef<WorkItem | null>; last: ComputedRef<WorkItem | null> } {
  const all = computed(() => itemsOf('handover').sort((a, b) => b.created_at - a.created_at));
  return { current: computed(() => all.value.find((h) => !h.ended) ?? null), last: computed(() => all.value.find((h) => h.ended) ?? null) };
}

async function send(id: string, action: string, seq: number, fields: Record<string, Json> = {}): Promise<number> {
  return (await actOnWork(id, action, { seq, fields, note: '', attachments: [] }, idempotencyKey())).seq;
}

/** The outgoing watch names its successor and signs in one press. */
export function beginHandover(successor: string, shift: WorkItem | undefined): Promise<void> {
  const links = shift ? [{ rel: 'shift', to: shift.id }] : [];
  return during('handover', async () => {
    const made = await createWork({ kind: 'handover', fields: { successor }, links, receivers: [], seen: null }, idempotencyKey());
    const [id] = made.ids;
    if (id !== undefined) await send(id, 'sign_out', made.seq);
  });
}

/** All at once: the list either moves whole or not at all. */
export const takeEntries = (handover: WorkItem, refs: readonly string[]): Promise<unknown> =>
  during(handover.id, () => send(handover.id, 'take', handover.seq, { refs: [...refs] }));

/** The second signature completes, if nothing is loose. */
export const sign = (handover: WorkItem, side: Side): Promise<void> =>
  during(handover.id, async () => {
    const completes = completesBy(handover, side);
    const seq = await send(handover.id, signAction(side), handover.seq);
    if (completes) await send(handover.id, 'complete', seq);
  });

export const complete = (handover: WorkItem): Promise<unknown> => during(handover.id, () => send(handover.id, 'complete', handover.seq));
