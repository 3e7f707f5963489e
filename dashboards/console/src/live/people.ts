// Who works in the hall: for pickers and for names. Read with the session, and again when a form asks and the list is old.
import { computed, shallowRef } from 'vue';
import { type Person, readPeople } from '../api/people';

export const people = shallowRef<readonly Person[]>([]);
export const personOf = computed(() => new Map(people.value.map((p) => [p.account, p])));

/** Older than this, a form asks anew, ms. */
const FRESH_MS = 30_000;
let readAt = -FRESH_MS;

export async function loadPeople(): Promise<void> {
  people.value = await readPeople();
  readAt = performance.now();
}

/** A list that could not be had again is still a list: the form works with what is known. */
export function freshenPeople(): void {
  if (performance.now() - readAt > FRESH_MS) loadPeople().catch(() => undefined);
}
