// Who sits here, what they may do, and whether they took over the desk in this tab.
import { computed, shallowRef } from 'vue';
import { ApiError, get, post } from '../api/client';
import type { Me, Permission } from '../api/types';

export const me = shallowRef<Me | null>(null);
/** The session ended on the server's side while the page was open. */
export const ended = shallowRef(false);

const permissions = computed(() => new Set(me.value?.permissions));
export const can = (permission: Permission): boolean => permissions.value.has(permission);

/** True if there is a session. */
export async function resume(): Promise<boolean> {
  try {
    me.value = await get('/api/v1/me');
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return false;
    throw error;
  }
}

export async function login(account: string, password: string): Promise<void> {
  me.value = await post('/api/v1/login', { account, password });
  ended.value = false;
}

export async function logout(): Promise<void> {
  try {
    await post('/api/v1/logout', undefined);
  } finally {
    me.value = null;
    takenOver.value = false;
    sessionStorage.removeItem(TAKEN);
  }
}

const TAKEN = 'fenghuo.taken_over';
/** The desk was taken over in this tab: any later gesture may arm the sound again after a reload. */
export const takenOver = shallowRef(sessionStorage.getItem(TAKEN) === '1');
export function takeOver(): void {
  takenOver.value = true;
  sessionStorage.setItem(TAKEN, '1');
}
