// The state of the video page, and what its keys do.
import { computed, reactive, shallowRef } from 'vue';
import { cameras } from '../video/cameras';
import type { Preference } from '../video/mode';
import { type Count, COUNTS, groupsOf, inGroup, moved, nextGroup, shownOn, START, turned, type Wall, withCount, zoomed } from '../video/wall';
import { openDialog } from './dialog';

export const PATROL_S = [5, 10, 20, 30, 60] as const;

export const wall = shallowRef<Wall>(START);
export const preference = shallowRef<Preference>('auto');
export const patrol = reactive({ on: false, everyS: 10 });

export const total = computed(() => inGroup(cameras.value, wall.value.group).length);
export const groups = computed(() => groupsOf(cameras.value));
export const onTiles = computed(() => shownOn(wall.value, cameras.value));
export const selectedCamera = computed(() => onTiles.value[wall.value.at] ?? null);

export const setCount = (count: Count): void => void (wall.value = withCount(wall.value, count));
export const setGroup = (group: string): void => void (wall.value = { ...wall.value, group, first: 0, at: 0 });
export const selectTile = (at: number): void => void (wall.value = { ...wall.value, at });
export const turn = (by: 1 | -1): void => void (wall.value = turned(wall.value, total.value, by));
export const zoom = (): void => void (wall.value = zoomed(wall.value));
export const moveSelection = (dx: number, dy: number): void => void (wall.value = moved(wall.value, dx, dy));
export const cycleGroup = (): void => void (wall.value = nextGroup(wall.value, groups.value));
export const togglePatrol = (): void => void (patrol.on = !patrol.on);
export const countByKey = (key: string): void => {
  const count = COUNTS[Number(key) - 1];
  if (count) setCount(count);
};

/** The wall, or whatever the page gives as its stage. */
export function toggleFullscreen(): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void document.querySelector('[data-stage]')?.requestFullscreen();
}

/** Cameras of the alarm selected on the watch page, and the one that `C` means there. */
export const alarmCameras = shallowRef<readonly string[]>([]);
export const alarmCamera = shallowRef<string | null>(null);

export function snapshot(page: unknown): void {
  const camera = page === 'video' ? (selectedCamera.value?.id ?? null) : alarmCamera.value;
  if (camera) openDialog({ kind: 'snapshot', camera });
}

export function nextAlarmCamera(by: 1 | -1): void {
  const all = alarmCameras.value;
  const at = all.indexOf(alarmCamera.value ?? '');
  alarmCamera.value = all[(at + by + all.length) % all.length] ?? null;
}
