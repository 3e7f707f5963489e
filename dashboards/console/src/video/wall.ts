// The wall: how many tiles, which cameras, which one is selected. Pure.
import type { Camera } from '../api/types';

export const COUNTS = [1, 4, 6, 9, 16, 25] as const;
export type Count = (typeof COUNTS)[number];

export interface Wall {
  readonly count: Count;
  /** Enterprise, or empty: all. */
  readonly group: string;
  /** The first camera shown. */
  readonly first: number;
  /** The selected tile, from 0. */
  readonly at: number;
  /** The count to go back to from one tile. */
  readonly before: Count | null;
}

export const START: Wall = { count: 4, group: '', first: 0, at: 0, before: null };

/** Columns of a grid; 6 is one large tile and five small ones. */
export const columnsOf = (count: Count): number => (count === 6 ? 3 : Math.sqrt(count));

export const groupsOf = (cameras: readonly Camera[]): string[] => [...new Set(cameras.map((c) => c.enterprise))];
export const inGroup = (cameras: readonly Camera[], group: string): Camera[] => cameras.filter((c) => group === '' || c.enterprise === group);

/** The cameras on the tiles; null: an empty tile. */
export function shownOn(wall: Wall, cameras: readonly Camera[]): (Camera | null)[] {
  const all = inGroup(cameras, wall.group);
  return Array.from({ length: wall.count }, (_, i) => all[wall.first + i] ?? null);
}

export function withCount(wall: Wall, count: Count): Wall {
  // The selected camera stays on the wall.
  const selected = wall.first + wall.at;
  const first = Math.floor(selected / count) * count;
  return { ...wall, count, first, at: selected - first, before: null };
}

/** The next page of cameras, round and round. */
export function turned(wall: Wall, total: number, by: 1 | -1): Wall {
  const pages = Math.max(1, Math.ceil(total / wall.count));
  const page = (Math.floor(wall.first / wall.count) + by + pages) % pages;
  return { ...wall, first: page * wall.count, at: 0 };
}

/** The next enterprise, and at last all of them. */
export function nextGroup(wall: Wall, groups: readonly string[]): Wall {
  const all = ['', ...groups];
  const group = all[(all.indexOf(wall.group) + 1) % all.length] ?? '';
  return { ...wall, group, first: 0, at: 0 };
}

/** One tile, and back to as many as before. */
export function zoomed(wall: Wall): Wall {
  if (wall.count === 1) return withCount(wall, wall.before ?? 4);
  return { ...withCount(wall, 1), before: wall.count };
}

/** Where a tile of the grid stands: column, row, columns wide. */
function placeOf(wall: Wall, at: number): { x: number; y: number; wide: number } {
  if (wall.count !== 6) return { x: at % columnsOf(wall.count), y: Math.floor(at / columnsOf(wall.count)), wide: 1 };
  const places = [[0, 0, 2], [2, 0, 1], [2, 1, 1], [0, 2, 1], [1, 2, 1], [2, 2, 1]] as const;
  const [x, y, wide] = places[at] ?? [0, 0, 1];
  return { x, y, wide };
}

/** The tile that an arrow key leads to; at the edge the selection stays. */
export function moved(wall: Wall, dx: number, dy: number): Wall {
  const from = placeOf(wall, wall.at);
  const aim = { x: from.x + (dx > 0 ? from.wide - 1 + dx : dx), y: from.y + (dy > 0 ? from.wide - 1 + dy : dy) };
  for (let at = 0; at < wall.count; at += 1) {
    const p = placeOf(wall, at);
    if (aim.x >= p.x && aim.x < p.x + p.wide && aim.y >= p.y && aim.y < p.y + p.wide) return { ...wall, at };
  }
  return wall;
}
