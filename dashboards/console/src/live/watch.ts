// The state of the watch page: tab, filter, selection, folds, and the rows as they stand on the screen.
import { computed, reactive, shallowReactive, shallowRef, watch, watchEffect } from 'vue';
import type { Alarm } from '../api/types';
import { arrange, freeze, groupOf, type Row } from '../hall/group';
import { type Filter, isUnacknowledged, listed, mostUrgent } from '../hall/order';
import { openPace, pace, type Pace } from '../hall/pace';
import type { Entry } from '../hall/state';
import { dialog } from './dialog';
import { nowMs } from './clock';
import { hall } from './hall';

export const filter = reactive<{ -readonly [K in keyof Filter]: Filter[K] }>({ tab: 'unacknowledged', enterprise: '', level: 0, text: '' });
export const grouped = shallowRef(true);
export const expanded = shallowReactive(new Set<string>());
export const checked = shallowReactive(new Set<string>());
export const selected = shallowRef<string | null>(null);
/** On a narrow screen the detail covers the list once it is opened. */
export const detailOpen = shallowRef(false);

/** Rows hold still while the pointer is over the list, but not for one that was left lying there, ms. */
const FREEZE_MS = 5_000;
const pointerAt = shallowRef(0);
export const pointerMoved = (): void => void (pointerAt.value = Date.now());
export const pointerLeft = (): void => void (pointerAt.value = 0);
const frozen = computed(() => nowMs.value - pointerAt.value < FREEZE_MS);

export const entryOf = (id: string): Entry | undefined => {
  const entry = hall.value.alarms.get(id);
  const closed = entry ? undefined : hall.value.closed.get(id);
  return closed ? { alarm: closed, provisional: false, before: null, collapsed: false } : entry;
};
export const selectedAlarm = computed<Alarm | null>(() => (selected.value ? (entryOf(selected.value)?.alarm ?? null) : null));

export const isGrouped = computed(() => (grouped.value || hall.value.flood.on) && filter.tab !== 'closed');
// Without the selection first: walking with J over 10,000 rows must not sort them at every key.
const plain = computed(() => arrange(listed(hall.value, filter, null), { on: isGrouped.value, expanded, keep: checked }));
const standing = computed(() => new Set(plain.value.map((row) => row.key)));
/** The selected row if it would otherwise be folded or gone; else null. */
const kept = computed(() => (selected.value === null || standing.value.has(selected.value) ? null : selected.value));
const arranged = computed(() => {
  if (kept.value === null) return plain.value;
  return arrange(listed(hall.value, filter, kept.value), { on: isGrouped.value, expanded, keep: new Set(checked).add(kept.value) });
});

export const rows = shallowRef<readonly Row[]>([]);
/** Held by the pointer, and waiting for their turn in a flood. */
export const held = shallowRef(0);
export const waiting = shallowRef(0);

let pacing: Pace | null = null;
let scope = '';
let shown: readonly Row[] = [];

const isUrgent = (row: Row): boolean => {
  const alarm = row.kind === 'alarm' ? entryOf(row.id)?.alarm : undefined;
  return !!alarm && (alarm.priority <= 2 || alarm.alarm_id === selected.value);
};

function paced(next: readonly Row[]): readonly Row[] {
  if (!hall.value.flood.on) {
    pacing = null;
    waiting.value = 0;
    return next;
  }
  pacing ??= openPace(shown, Date.now());
  const result = pace(pacing, next, isUrgent, Date.now());
  pacing = result.pace;
  waiting.value = result.waiting;
  return result.rows;
}

function lay(): void {
  // Another tab or filter is another list: nothing of the old one may hold it still.
  const asked = `${filter.tab}|${filter.enterprise}|${filter.level}|${filter.text}|${isGrouped.value}|${[...expanded].join()}`;
  const fresh = asked !== scope;
  if (fresh) pacing = null;
  scope = asked;
  const next = fresh ? arranged.value : paced(arranged.value);
  const result = frozen.value && !fresh && shown.length > 0 ? freeze(shown, next) : { rows: next, held: 0 };
  shown = result.rows;
  rows.value = result.rows;
  held.value = result.held;
}

/** Starts keeping the rows; call once. */
export function startWatch(): void {
  watchEffect(lay);
  // While rows wait for their turn, time alone must let them in.
  watch(nowMs, () => waiting.value > 0 && lay());
  watch(hall, selectWhenQuiet, { immediate: true });
  watch(hall, forgetGone);
}

const typing = (): boolean => document.activeElement instanceof HTMLElement && document.activeElement.matches('input, textarea, select');

/** Only an empty selection is filled: what a person looks at is never taken from them. */
function selectWhenQuiet(): void {
  if (selected.value === null && dialog.value === null && !typing()) selected.value = mostUrgent(hall.value);
}

function forgetGone(): void {
  for (const id of checked) {
    const alarm = hall.value.alarms.get(id)?.alarm;
    if (!alarm || !isUnacknowledged(alarm)) checked.delete(id);
  }
}

export function select(id: string): void {
  selected.value = id;
}

export function move(by: 1 | -1): void {
  const ids = rows.value.flatMap((r) => (r.kind === 'alarm' ? [r.id] : []));
  const at = ids.indexOf(selected.value ?? '');
  const id = ids[at < 0 ? 0 : Math.min(ids.length - 1, Math.max(0, at + by))];
  if (id !== undefined) select(id);
}

export function toggleGroup(group: string): void {
  if (!expanded.delete(group)) expanded.add(group);
}
export function toggleSelectedGroup(): void {
  if (selectedAlarm.value) toggleGroup(groupOf(selectedAlarm.value));
}
export function toggleChecked(id: string): void {
  if (!checked.delete(id)) checked.add(id);
}
export function clearFilter(): void {
  Object.assign(filter, { enterprise: '', level: 0, text: '' });
}
