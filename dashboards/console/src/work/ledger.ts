// The ledger's filter -> the server's query, and its figures -> bars.
import type { AggregateRow, WorkQuery } from '../api/work';

export interface LedgerFilter {
  readonly text: string;
  readonly open: boolean;
  readonly overdue: boolean;
  readonly state: string;
  readonly grade: string;
  readonly source: string;
  readonly town: string;
  readonly industry: string;
  readonly enterprise: string;
}

export const EMPTY_FILTER: LedgerFilter = { text: '', open: true, overdue: false, state: '', grade: '', source: '', town: '', industry: '', enterprise: '' };
/** What whoever reports one is asked at once: without these nobody can find it, grade it or put it right. */
export const DANGER_ASKS: readonly string[] = ['title', 'enterprise', 'place', 'source', 'category', 'finder'];
export const DANGER_NEEDS: readonly string[] = ['title', 'source'];
/** Rows of one page; the next is asked for by the last row's id. */
export const PAGE = 100;

/** Only what was chosen is asked for. */
export function ledgerQuery(f: LedgerFilter, before?: string): WorkQuery {
  const query: WorkQuery = { kind: 'hidden_danger', limit: PAGE };
  const chosen = { state: f.state, grade: f.grade, source: f.source, town: f.town, industry: f.industry, enterprise: f.enterprise, q: f.text.trim() };
  for (const [key, value] of Object.entries(chosen) as [keyof typeof chosen, string][]) if (value !== '') query[key] = value;
  // A state says by itself whether it is open.
  if (f.open && f.state === '') query.open = true;
  if (f.overdue) query.overdue = true;
  if (before !== undefined) query.before = before;
  return query;
}

export interface Bar {
  readonly key: string;
  readonly total: number;
  readonly overdue: number;
  /** Shares of the longest bar, 0 to 1. */
  readonly open: number;
  readonly late: number;
  readonly closed: number;
  readonly row: AggregateRow;
}

/** More bars than these are no overview. */
export const BARS_MAX = 12;

export function bars(rows: readonly AggregateRow[]): Bar[] {
  const shown = rows.toSorted((a, b) => b.open - a.open || b.total - a.total).slice(0, BARS_MAX);
  const longest = Math.max(1, ...shown.map((r) => r.total));
  return shown.map((row) => ({
    key: row.key, total: row.total, overdue: row.overdue, row,
    late: row.overdue / longest, open: Math.max(0, row.open - row.overdue) / longest, closed: row.closed / longest,
  }));
}

export const percent = (share: number): string => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
