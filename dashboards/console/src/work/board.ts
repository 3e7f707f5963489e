// 指挥调度: orders by where they stand. A state that no column names stands in the last one: nothing is hidden.
import type { WorkItem } from '../api/work';
import { compareUrgency } from './deadline';

export const COLUMNS = ['issued', 'delivered', 'acknowledged', 'under_way', 'done', 'verified', 'set_aside'] as const;
export type Column = (typeof COLUMNS)[number];

export function columnOf(state: string): Column {
  if (state === 'in_progress') return 'under_way';
  return COLUMNS.find((c) => c === state) ?? (state === 'closed' ? 'verified' : 'set_aside');
}

/** What an officer does most from a card: the receipt by telephone, then the hall's own hand. */
export const CARD_STEPS: readonly string[] = ['issue', 'acknowledge', 'arrive', 'complete', 'verify', 'reassign', 'close', 'revoke'];

/** Ended orders in a column; the rest is in the export and the timeline. */
const ENDED_SHOWN = 20;

export interface BoardColumn {
  readonly column: Column;
  readonly total: number;
  readonly items: readonly WorkItem[];
}

export function board(orders: readonly WorkItem[]): BoardColumn[] {
  const byColumn = new Map<Column, WorkItem[]>(COLUMNS.map((c) => [c, []]));
  for (const order of orders) byColumn.get(columnOf(order.state))?.push(order);
  return COLUMNS.map((column) => {
    const all = byColumn.get(column) ?? [];
    const open = all.filter((o) => !o.ended).sort(compareUrgency);
    const ended = all.filter((o) => o.ended).sort((a, b) => b.seq - a.seq).slice(0, ENDED_SHOWN);
    return { column, total: all.length, items: [...open, ...ended] };
  });
}
