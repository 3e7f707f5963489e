// The dialogs that are open, one upon another; the topmost takes the keys, and Esc goes back one level.
// Each keeps its text and its idempotency key until it was carried out or cancelled.
import { computed, shallowRef } from 'vue';
import type { Account, Token } from '../api/people';
import type { Alarm } from '../api/types';
import type { Kind, Link, Provenance, WorkItem } from '../api/work';
import type { Holding } from '../work/flow';

export type AlarmDialogKind = 'acknowledge' | 'unacknowledge' | 'shelve' | 'unshelve' | 'reset' | 'comment';

/** What an administrator does to an account. */
export type AccountChange = 'add' | 'edit' | 'password' | 'disable' | 'enable';

/** What a new item begins with. */
export interface Preset {
  readonly holding: Holding;
  readonly links: readonly Link[];
  readonly receivers: readonly string[];
  readonly seen: number | null;
  /** Fields that are asked for at once though the flow does not insist on them, and those without which the kernel refuses. */
  readonly asks?: readonly string[];
  readonly needs?: readonly string[];
  readonly provenance?: Provenance;
}

export type Dialog =
  | { kind: AlarmDialogKind; alarm: Alarm }
  | { kind: 'acknowledge_batch'; alarms: readonly Alarm[] }
  | { kind: 'false_alarm'; alarm: Alarm }
  | { kind: 'dispatch'; alarm: Alarm | null; incident?: string; /** An exercise of this drill. */ drill?: string }
  | { kind: 'item'; id: string }
  | { kind: 'act'; item: WorkItem; action: string; holding?: Holding }
  | { kind: 'create'; create: Kind; preset: Preset; created?: (id: string) => void }
  | { kind: 'activate'; item: WorkItem; action: string }
  | { kind: 'account'; account: Account | null; change: AccountChange; saved: () => void }
  | { kind: 'token'; made: () => void }
  | { kind: 'revoke'; token: Token; revoked: () => void }
  | { kind: 'snapshot'; camera: string }
  | { kind: 'help' }
  | { kind: 'palette' }
  | { kind: 'settings' };

/** More would mean that dialogs open each other in a circle. */
const STACK_MAX = 5;
export const stack = shallowRef<readonly Dialog[]>([]);

export const dialog = computed<Dialog | null>(() => stack.value.at(-1) ?? null);
export const openDialog = (next: Dialog): void => void (stack.value = [...stack.value, next].slice(-STACK_MAX));
export const closeDialog = (): void => void (stack.value = stack.value.slice(0, -1));
export const closeAllDialogs = (): void => void (stack.value = []);
