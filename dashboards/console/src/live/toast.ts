// Short messages that leave by themselves; errors stay until closed.
import { shallowRef } from 'vue';

export interface Toast {
  readonly id: number;
  readonly kind: 'info' | 'error';
  readonly text: string;
}

/** How long an information stays, ms. */
const STAY_MS = 8_000;
/** More than these would cover the list. */
const TOASTS_MAX = 4;

export const toasts = shallowRef<readonly Toast[]>([]);
let next = 1;

export function toast(text: string, kind: Toast['kind'] = 'info'): void {
  const id = next++;
  toasts.value = [...toasts.value, { id, kind, text }].slice(-TOASTS_MAX);
  if (kind === 'info') setTimeout(() => dismiss(id), STAY_MS);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((x) => x.id !== id);
}
