// The one dialog that may be open. It keeps its text and its idempotency key until it was carried out or cancelled.
import { shallowRef } from 'vue';
import type { Alarm, Order } from '../api/types';

export type AlarmDialogKind = 'acknowledge' | 'unacknowledge' | 'shelve' | 'unshelve' | 'reset' | 'comment';

export type Dialog =
  | { kind: AlarmDialogKind; alarm: Alarm }
  | { kind: 'acknowledge_batch'; alarms: readonly Alarm[] }
  | { kind: 'dispatch'; alarm: Alarm | null }
  | { kind: 'order'; order: Order; act: 'reject' | 'revoke' }
  | { kind: 'help' }
  | { kind: 'palette' }
  | { kind: 'settings' };

export const dialog = shallowRef<Dialog | null>(null);
export const openDialog = (next: Dialog): void => void (dialog.value = next);
export const closeDialog = (): void => void (dialog.value = null);
