// The pages by name; where each stands in the rail and under "more".
import type { Permission } from './api/types';
import { can } from './live/session';

/** The rail, at most nine with "more" (console.md §2); keys Alt+1 to Alt+8. */
export const RAIL = ['watch', 'orders', 'incidents', 'hidden-dangers', 'handover', 'roll-call', 'drills', 'video'] as const;
/** Under "more". */
export const MORE = ['playback', 'tags', 'roster', 'log', 'notices', 'audit', 'accounts', 'tokens'] as const;
export const PAGES = [...RAIL, ...MORE] as const;
export type Page = (typeof PAGES)[number];
const NEEDS: Partial<Record<Page, Permission>> = { audit: 'audit.read', video: 'video.view', playback: 'video.view', accounts: 'accounts.manage', tokens: 'accounts.manage' };
export const isAllowed = (page: Page): boolean => {
  const needed = NEEDS[page];
  return needed === undefined || can(needed);
};
