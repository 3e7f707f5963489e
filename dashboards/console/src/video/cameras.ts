// The cameras, asked for again while a page shows them: states change without anybody's doing.
import { computed, onScopeDispose, shallowRef } from 'vue';
import { get } from '../api/client';
import type { Alarm, Camera, Cameras, Problem } from '../api/types';
import { pick } from '../i18n';
import { problemOf } from '../live/actions';

const EVERY_MS = 5_000;

const answer = shallowRef<Cameras>({ cameras: [], volumes: [] });
export const cameras = computed<readonly Camera[]>(() => answer.value.cameras);
export const volumes = computed(() => answer.value.volumes);
/** Asked at least once. */
export const loaded = shallowRef(false);
export const problem = shallowRef<Problem | null>(null);

let users = 0;
let timer: ReturnType<typeof setInterval> | null = null;

async function load(): Promise<void> {
  try {
    answer.value = await get('/api/v1/cameras');
    problem.value = null;
    loaded.value = true;
  } catch (error) {
    problem.value = problemOf(error);
  }
}

/** Keeps the list fresh as long as the caller's scope lives. */
export function useCameras(): void {
  users += 1;
  void load();
  timer ??= setInterval(() => void load(), EVERY_MS);
  onScopeDispose(() => {
    users -= 1;
    if (users > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  });
}

export const cameraName = (c: Camera): string => pick(c.name_zh, c.name_en);
/** A camera sees an alarm if it is bound to its tag, or to its whole enterprise. */
export const sees = (c: Camera, a: Alarm): boolean => c.enterprise === a.enterprise && (c.tags.length === 0 || c.tags.includes(a.tag));
