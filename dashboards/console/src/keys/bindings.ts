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
import { answerVigilance, vigilance } from '../live/vigilance';
import { RAIL } from '../pages';

export interface Binding {
  /** As `KeyboardEvent.key`, lower case. */
  readonly keys: readonly string[];
  readonly shown: string;
  readonly label: Key;
  /** Only on the watch page. */
  readonly watchOnly: boolean;
  run(router: Router): void;
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

const binding = (shown: string, label: Key, run: (router: Router) => void, watchOnly = true, keys = [shown.toLowerCase()]): Binding => ({
  shown, label, run, watchOnly, keys,
});

export const BINDINGS: readonly Binding[] = [
  binding('J', 'key.next', () => move(1), true, ['j', 'arrowdown']),
  binding('K', 'key.previous', () => move(-1), true, ['k', 'arrowup']),
  binding('Enter', 'key.open', () => (detailOpen.value = true)),
  binding('A', 'key.acknowledge', acknowledgeSelected),
  binding('Space', 'key.silence', () => (armed.value ? silence() : arm()), false, [' ']),
  binding('S', 'key.shelve', () => onAlarm('shelve')),
  binding('D', 'key.dispatch', dispatch, false),
  binding('I', 'key.incident', (router) => openIncident(router)),
  binding('H', 'key.danger', () => void reportDanger()),
  binding('X', 'key.false', () => falseAlarm()),
  binding('C', 'key.comment', () => onAlarm('comment')),
  binding('V', 'key.check', () => selected.value && toggleChecked(selected.value)),
  binding('E', 'key.expand', toggleSelectedGroup),
  binding('T', 'key.tab', nextTab),
  binding('/', 'key.search', focusSearch, false),
  binding('[', 'key.page_previous', () => turnPage('previous'), false),
  binding(']', 'key.page_next', () => turnPage('next'), false),
  binding('Y', 'key.vigilance', answer, false),
  binding('Esc', 'key.back', back, false, ['escape']),
  binding('?', 'key.help', () => openDialog({ kind: 'help' }), false),
];

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
  const found = BINDINGS.find((b) => b.keys.includes(key));
  if (!found || (found.watchOnly && router.currentRoute.value.name !== 'watch')) return false;
  found.run(router);
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
