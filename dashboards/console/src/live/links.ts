// Where a link leads: alarms to the watch page, incidents to their room, everything else to its panel.
import type { Router } from 'vue-router';
import type { Link } from '../api/work';
import { closeAllDialogs, openDialog } from './dialog';
import { detailOpen, select } from './watch';

const ID = /^[A-Z]-\d+$/;

/** Tags and cameras have no page of their own yet; tags lead to the list. */
export const isFollowed = (link: Link): boolean => ID.test(link.to) || link.rel === 'tag';

export function openRef(router: Router, ref: string): void {
  if (ref.startsWith('A-')) {
    closeAllDialogs();
    select(ref);
    detailOpen.value = true;
    void router.push({ name: 'watch' });
  } else if (ref.startsWith('X-')) {
    closeAllDialogs();
    void router.push({ name: 'incident', params: { id: ref } });
  } else openDialog({ kind: 'item', id: ref });
}

export function followLink(router: Router, link: Link): void {
  if (link.rel !== 'tag') return openRef(router, link.to);
  closeAllDialogs();
  void router.push({ name: 'tags', query: { q: link.to.split('/').at(-1) } });
}
