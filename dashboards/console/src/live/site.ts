// Names of enterprises, units, teams and tags; loaded once, tags per enterprise when first needed.
import { computed, shallowReactive, shallowRef } from 'vue';
import { get } from '../api/client';
import type { Alarm, Enterprise, Site, Tag, Team } from '../api/types';
import { pick } from '../i18n';

const site = shallowRef<Site>({ enterprises: [], teams: [] });
export const enterprises = computed<readonly Enterprise[]>(() => site.value.enterprises);
export const teams = computed<readonly Team[]>(() => site.value.teams);
const byId = computed(() => new Map(site.value.enterprises.map((e) => [e.id, e])));

export async function loadSite(): Promise<void> {
  site.value = await get('/api/v1/site');
}

export const enterpriseOf = (id: string): Enterprise | undefined => byId.value.get(id);

export function enterpriseName(id: string): string {
  const e = byId.value.get(id);
  return e ? pick(e.name_zh, e.name_en) : id;
}

export function unitName(enterprise: string, unit: string): string {
  const u = byId.value.get(enterprise)?.units.find((x) => x.id === unit);
  return u ? pick(u.name_zh, u.name_en) : unit;
}

export const placeOf = (a: Alarm): string => [enterpriseName(a.enterprise), unitName(a.enterprise, a.unit_id)].filter(Boolean).join(' ');
export const messageOf = (a: Alarm): string => pick(a.message_zh, a.message_en);

const tags = shallowReactive(new Map<string, readonly Tag[]>());
const loading = new Map<string, Promise<void>>();

/** Tags of one enterprise; empty until loaded. */
export function tagsOf(enterprise: string): readonly Tag[] {
  if (!tags.has(enterprise) && !loading.has(enterprise)) {
    const job = get('/api/v1/tags', { query: { enterprise } })
      .then((answer) => void tags.set(enterprise, answer.tags))
      .catch(() => undefined) // shown as "no limits known"; asked again on the next selection
      .finally(() => loading.delete(enterprise));
    loading.set(enterprise, job);
  }
  return tags.get(enterprise) ?? [];
}

export const tagOf = (enterprise: string, tag: string): Tag | undefined => tagsOf(enterprise).find((x) => x.tag === tag);
