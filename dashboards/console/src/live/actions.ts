// What a person does. A row changes only when its committed frame arrives; until then it is marked "submitting".
import { shallowReactive } from 'vue';
import { ApiError, idempotencyKey, post } from '../api/client';
import type { Alarm, Problem } from '../api/types';
import { isSetAside, isUnacknowledged } from '../hall/order';
import { pick } from '../i18n';
import { openDialog } from './dialog';
import { can, me } from './session';
import { toast } from './toast';
import { checked, entryOf, selectedAlarm } from './watch';

/** Alarms and items with a command under way. */
export const submitting = shallowReactive(new Set<string>());

export const problemOf = (error: unknown): Problem =>
  error instanceof ApiError
    ? error.problem
    : { code: 'CONSOLE', message_zh: '界面内部错误', message_en: 'the console failed', field: '', hint: String(error), trace_id: '' };

export const problemText = (p: Problem): string => pick(p.message_zh, p.message_en);

export async function during<T>(id: string, job: () => Promise<T>): Promise<T> {
  submitting.add(id);
  try {
    return await job();
  } finally {
    submitting.delete(id);
  }
}

export const acknowledge = (a: Alarm, note: string, key: string): Promise<unknown> =>
  during(a.alarm_id, () => post('/api/v1/alarms/{id}/ack', { seq: a.seq, note }, { path: { id: a.alarm_id }, key }));
export const unacknowledge = (a: Alarm, reason: string, key: string): Promise<unknown> =>
  during(a.alarm_id, () => post('/api/v1/alarms/{id}/unack', { seq: a.seq, reason }, { path: { id: a.alarm_id }, key }));
export const shelve = (a: Alarm, for_s: number | null, reason: string, key: string): Promise<unknown> =>
  during(a.alarm_id, () => post('/api/v1/alarms/{id}/shelve', { seq: a.seq, for_s, reason }, { path: { id: a.alarm_id }, key }));
export const unshelve = (a: Alarm, reason: string, key: string): Promise<unknown> =>
  during(a.alarm_id, () => post('/api/v1/alarms/{id}/unshelve', { seq: a.seq, reason }, { path: { id: a.alarm_id }, key }));
export const reset = (a: Alarm, reason: string, key: string): Promise<unknown> =>
  during(a.alarm_id, () => post('/api/v1/alarms/{id}/reset', { seq: a.seq, reason }, { path: { id: a.alarm_id }, key }));
export const comment = (a: Alarm, text: string, key: string): Promise<unknown> =>
  during(a.alarm_id, () => post('/api/v1/alarms/{id}/comment', { seq: a.seq, text }, { path: { id: a.alarm_id }, key }));

export async function acknowledgeBatch(alarms: readonly Alarm[], note: string, key: string): Promise<void> {
  const seen = alarms.map((a) => ({ alarm_id: a.alarm_id, seq: a.seq }));
  const answer = await post('/api/v1/alarms/ack-batch', { alarms: seen, note }, { key });
  checked.clear();
  for (const problem of answer.refused) toast(problemText(problem), 'error');
}

/** What may be done to an alarm in its state, by this person. */
export const allowed = {
  acknowledge: (a: Alarm): boolean => can('alarm.acknowledge') && isUnacknowledged(a),
  unacknowledge: (a: Alarm): boolean => can('alarm.acknowledge') && a.acknowledged && a.state !== 'normal',
  // Of priority 1 the first person asks and a second, a shift lead or above, agrees.
  shelve: (a: Alarm): boolean =>
    can(a.priority === 2 || a.shelve_request ? 'alarm.shelve_urgent' : 'alarm.shelve') && a.shelve_request?.by.account !== me.value?.account
    && !isSetAside(a) && a.state !== 'normal',
  unshelve: (a: Alarm): boolean => can('alarm.shelve') && a.state === 'shelved',
  reset: (a: Alarm): boolean => can('alarm.reset') && a.state === 'latched',
  comment: (a: Alarm): boolean => can('alarm.comment') && a.state !== 'normal',
  dispatch: (): boolean => can('order.issue'),
};

/** `A`: Ⅲ, Ⅳ and diagnostics at once; Ⅰ and Ⅱ ask for the note first. */
export function acknowledgeSelected(): void {
  const alarm = selectedAlarm.value;
  if (!alarm || !allowed.acknowledge(alarm) || submitting.has(alarm.alarm_id)) return;
  if (alarm.priority <= 2) return openDialog({ kind: 'acknowledge', alarm });
  acknowledge(alarm, '', idempotencyKey()).catch((error: unknown) => toast(problemText(problemOf(error)), 'error'));
}

/** The checked alarms, if they may be acknowledged together: one site, Ⅲ and lower. */
export function batch(): { alarms: Alarm[]; ok: boolean } {
  const alarms = [...checked].flatMap((id) => entryOf(id)?.alarm ?? []);
  const sites = new Set(alarms.map((a) => a.enterprise));
  return { alarms, ok: alarms.length > 0 && sites.size === 1 && alarms.every((a) => a.priority >= 3) };
}
