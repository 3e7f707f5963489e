// All keys in one table: the handler, the help sheet and the palette read it. None is active inside inputs.
import type { Router } from 'vue-router';
import { TABS } from '../hall/order';
import type { Key } from '../i18n';
import { idempotencyKey } from '../api/client';
import { acknowledgeSelected, allowed, problemOf, problemText } from '../live/actions';
import { dialog, openDialog } from '../live/dialog';
import { falseAlarm, openIncident, reportDanger } from '../live/present';
import { settings } from '../live/settings';
import { arm, armed, silence } from '../live/sound';
import { clearFilter, detailOpen, filter, move, selected, selectedAlarm, toggleChecked, toggleSelectedGroup } from '../live/watch';
import { toast } from '../live/toast';
import { countByKey, cycleGroup, moveSelection, nextAlarmCamera, snapshot, toggleFullscreen, togglePatrol, turn, zoom } from '../live/wall';
import { answerVigilance, vigilance } from '../live/vigilance';
import { RAIL } from '../pages';

export interface Binding {
  /** As `KeyboardEvent.key`, lower case. */
  readonly keys: readonly string[];
  readonly shown: string;
  readonly label: Key;
  /** Only on these pages; null: on all. */
  readonly pages: readonly string[] | null;
  run(router: Router, key: string): void;
}

const onAlarm = (kind: 'shelve' | 'comment'): void => {
  const alarm = selectedAlarm.value;
  if (alarm && allowed[kind](alarm)) openDialog({ kind, alarm });
};

/** From an alarm on the watch page, from nothing on the board; an incident's room gives its own. */
function dispatch(router: Router): void {
  if (!allowed.dispatch()) return;
  const { name, params } = router.currentRoute.value;
  const incident = name === 'incident' ? String(params.id) : undefined;
  openDialog({ kind: 'dispatch', alarm: name === 'watch' ? selectedAlarm.value : null, incident });
}

function answer(): void {
  if (vigilance.value) answerVigilance(idempotencyKey()).catch((error: unknown) => toast(problemText(problemOf(error)), 'error'));
}

/** Where Esc leads from a page that lies below another. */
const ABOVE: Readonly<Record<string, string>> = { incident: 'incidents' };

function back(router: Router): void {
  const { name } = router.currentRoute.value;
  if (name !== 'watch') void router.push({ name: ABOVE[String(name)] ?? 'watch' });
  else if (detailOpen.value) detailOpen.value = false;
  else if (filter.text || filter.level || filter.enterprise) clearFilter();
}

/** A page of rows has its own buttons: the keys press them. */
const turnPage = (to: 'previous' | 'next'): void => document.querySelector<HTMLButtonElement>(`[data-page="${to}"]`)?.click();

function focusSearch(): void {
  document.querySelector<HTMLInputElement>('[data-search]')?.focus();
}

function nextTab(): void {
  filter.tab = TABS[(TABS.indexOf(filter.tab) + 1) % TABS.length] ?? 'open';
}

const WATCH: readonly string[] = ['watch'];
const VIDEO: readonly string[] = ['video'];

const binding = (shown: string, label: Key, run: Binding['run'], pages: Binding['pages'] = WATCH, keys = [shown.toLowerCase()]): Binding => ({
  shown, label, run, pages, keys,
});

const ARROWS: Readonly<Record<string, readonly [number, number]>> = { arrowleft: [-1, 0], arrowright: [1, 0], arrowup: [0, -1], arrowdown: [0, 1] };

export const BINDINGS: readonly Binding[] = [
  binding('J', 'key.next', () => move(1), WATCH, ['j', 'arrowdown']),
  binding('K', 'key.previous', () => move(-1), WATCH, ['k', 'arrowup']),
  binding('Enter', 'key.open', () => (detailOpen.value = true)),
  binding('A', 'key.acknowledge', acknowledgeSelected),
  binding('Space', 'key.silence', () => (armed.value ? silence() : arm()), null, [' ']),
  binding('S', 'key.shelve', () => onAlarm('shelve')),
  binding('D', 'key.dispatch', dispatch, null),
  binding('I', 'key.incident', (router) => openIncident(router)),
  binding('H', 'key.danger', () => void reportDanger()),
  binding('X', 'key.false', () => falseAlarm()),
  binding('N', 'key.comment', () => onAlarm('comment')),
  binding('[ ]', 'key.camera', (_, key) => nextAlarmCamera(key === ']' ? 1 : -1), WATCH, ['[', ']']),
  binding('C', 'key.snapshot', (router) => snapshot(router.currentRoute.value.name), ['watch', 'video']),
  binding('V', 'key.check', () => selected.value && toggleChecked(selected.value)),
  binding('E', 'key.expand', toggleSelectedGroup),
  binding('T', 'key.tab', nextTab),
  binding('←↑→↓', 'key.tile', (_, key) => moveSelection(...(ARROWS[key] ?? [0, 0])), VIDEO, Object.keys(ARROWS)),
  binding('1…6', 'key.count', (_, key) => countByKey(key), VIDEO, ['1', '2', '3', '4', '5', '6']),
  binding('Enter', 'key.zoom', zoom, VIDEO),
  binding('[ ]', 'key.turn', (_, key) => turn(key === ']' ? 1 : -1), VIDEO, ['[', ']']),
  binding('G', 'key.group', cycleGroup, VIDEO),
  binding('P', 'key.patrol', togglePatrol, VIDEO),
  binding('F', 'key.fullscreen', toggleFullscreen, ['video', 'watch', 'playback']),
  binding('/', 'key.search', focusSearch, null),
  binding('[', 'key.page_previous', () => turnPage('previous'), null),
  binding(']', 'key.page_next', () => turnPage('next'), null),
  binding('Y', 'key.vigilance', answer, null),
  binding('Esc', 'key.back', back, null, ['escape']),
  binding('?', 'key.help', () => openDialog({ kind: 'help' }), null),
];

export const isOn = (b: Binding, page: unknown): boolean => b.pages === null || b.pages.some((p) => p === page);

/** Shown in the help sheet, handled with their modifiers below. */
export const CHORDS: readonly { shown: string; label: Key }[] = [
  { shown: 'Ctrl+K', label: 'key.palette' },
  { shown: `Alt+1…${RAIL.length}`, label: 'key.page' },
];

const EDITABLE = 'input:not([type=checkbox]), textarea, select, [contenteditable]';
/** These have their own meaning of Space and Enter. */
const PRESSABLE = 'button, a[href], summary, input[type=checkbox], [role=tab]';

function chord(event: KeyboardEvent, router: Router): boolean {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
    openDialog({ kind: 'palette' });
    return true;
  }
  const page = event.altKey ? RAIL[Number(event.key) - 1] : undefined;
  if (page) void router.push({ name: page });
  return page !== undefined;
}

function plain(event: KeyboardEvent, router: Router): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const key = event.key.toLowerCase();
  const pressable = event.target instanceof Element && event.target.closest(PRESSABLE) !== null;
  if (pressable && (key === ' ' || key === 'enter')) return false;
  const found = BINDINGS.find((b) => b.keys.includes(key) && isOn(b, router.currentRoute.value.name));
  if (!found) return false;
  found.run(router, key);
  return true;
}

export function listenToKeys(router: Router): void {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing || dialog.value !== null) return;
    if (router.currentRoute.value.name === 'login' || router.currentRoute.value.name === 'field') return;
    const editable = event.target instanceof Element && event.target.matches(EDITABLE);
    if (editable && event.key === 'Escape' && event.target instanceof HTMLElement) return event.target.blur();
    if (chord(event, router) || (!editable && plain(event, router))) event.preventDefault();
  });
}

export const toggleTheme = (): void => void (settings.theme = settings.theme === 'dark' ? 'light' : 'dark');
export const toggleLanguage = (): void => void (settings.language = settings.language === 'zh' ? 'en' : 'zh');
