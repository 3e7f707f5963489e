// Live values of the tags that some view looks at; the union of all wishes is one subscription.
import { onScopeDispose, shallowRef, watch } from 'vue';
import type { ClientFrame, Reading } from '../api/types';
import { onGreeting, onReadings, stream } from './hall';
import { me } from './session';

/** The server's bound on one subscription. */
export const SUBSCRIPTION_MAX = 200;

const wishes = new Map<symbol, readonly string[]>();
const listeners = new Set<(reading: Reading) => void>();
/** Newest value by `enterprise/tag`; replaced on every frame of readings. */
export const latest = shallowRef<ReadonlyMap<string, Reading>>(new Map());

const wanted = (): string[] => [...new Set([...wishes.values()].flat())].slice(0, SUBSCRIPTION_MAX);
/** Field staff may read no tags: they ask for none. */
const wish = (): ClientFrame | null => (me.value?.role === 'field' ? null : { type: 'subscribe', tags: wanted() });
function tell(): void {
  const frame = wish();
  if (frame) stream.send(frame);
}

export function startReadings(): void {
  onGreeting(wish);
  onReadings((frame) => {
    const next = new Map(latest.value);
    for (const r of frame.readings) next.set(`${r.enterprise}/${r.tag}`, r);
    while (next.size > SUBSCRIPTION_MAX * 2) next.delete(next.keys().next().value ?? '');
    latest.value = next;
    for (const r of frame.readings) listeners.forEach((listener) => listener(r));
  });
}

/** Subscribes while the calling component lives; `tags` is read reactively. */
export function useReadings(tags: () => readonly string[], listener?: (reading: Reading) => void): void {
  const me = Symbol('wish');
  watch(tags, (list) => (wishes.set(me, list), tell()), { immediate: true });
  if (listener) listeners.add(listener);
  onScopeDispose(() => {
    wishes.delete(me);
    if (listener) listeners.delete(listener);
    tell();
  });
}
