// From the selected alarm to work: dispatch, incident, hidden danger, false alarm. One place for keys and buttons.
import type { Router } from 'vue-router';
import { idempotencyKey } from '../api/client';
import type { Alarm } from '../api/types';
import type { Kind } from '../api/work';
import { createForm, missing, wireFields } from '../work/flow';
import { t } from '../i18n';
import { knownOfAlarm, linksOfAlarm, presetHolding } from '../work/preset';
import { allowed, problemOf, problemText } from './actions';
import { openDialog, type Preset } from './dialog';
import { hall } from './hall';
import { openRef } from './links';
import { me } from './session';
import { messageOf, placeOf } from './site';
import { toast } from './toast';
import { selectedAlarm } from './watch';
import { canMake, create, flowOf } from './work';

export const EMPTY_PRESET: Preset = { holding: {}, links: [], receivers: [], seen: null };

export function presetOfAlarm(kind: Kind, alarm: Alarm): Preset {
  const flow = flowOf(kind);
  const words = { place: placeOf(alarm), text: `${placeOf(alarm)} ${messageOf(alarm)}`, finder: me.value?.account ?? '', reporter: t('incident.reporter', { id: alarm.alarm_id }) };
  const holding = flow ? presetHolding(flow, knownOfAlarm(alarm, words)) : {};
  return { holding, links: linksOfAlarm(alarm), receivers: [], seen: hall.value.seq };
}

/** `I`, then Enter: an incident with what the alarm knows (F3). */
export function openIncident(router: Router, alarm = selectedAlarm.value): void {
  if (!alarm || !canMake('incident')) return;
  openDialog({ kind: 'create', create: 'incident', preset: presetOfAlarm('incident', alarm), created: (id) => openRef(router, id) });
}

/** `H`: a ledger item with its evidence in one action (H1); a form only if the ledger asks for more than the alarm knows. */
export async function reportDanger(alarm = selectedAlarm.value): Promise<void> {
  if (!alarm || !canMake('hidden_danger')) return;
  const preset = presetOfAlarm('hidden_danger', alarm);
  const flow = flowOf('hidden_danger');
  const form = flow ? createForm(flow) : [];
  if (form.length === 0 || missing(form, preset.holding).length > 0) return openDialog({ kind: 'create', create: 'hidden_danger', preset });
  try {
    const [id] = await create('hidden_danger', { fields: wireFields(form, preset.holding), links: preset.links, receivers: [], seen: preset.seen }, idempotencyKey());
    if (id !== undefined) openDialog({ kind: 'item', id });
  } catch (error) {
    toast(problemText(problemOf(error)), 'error');
  }
}

/** `X`: a false alarm has a reason, and may be shelved (F7). */
export function falseAlarm(alarm = selectedAlarm.value): void {
  if (alarm && allowed.comment(alarm)) openDialog({ kind: 'false_alarm', alarm });
}
