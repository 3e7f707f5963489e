// The pages by name; where each stands in the rail and under "more".
import { can } from './live/session';

/** The rail, at most nine with "more" (console.md §2); keys Alt+1 to Alt+8. */
export const RAIL = ['watch', 'orders', 'incidents', 'hidden-dangers', 'handover', 'roll-call', 'drills', 'tags'] as const;
/** Under "more". */
export const MORE = ['roster', 'log', 'notices', 'audit'] as const;
export const PAGES = [...RAIL, ...MORE] as const;
export type Page = (typeof PAGES)[number];
export const isAllowed = (page: Page): boolean => page !== 'audit' || can('audit.read');
