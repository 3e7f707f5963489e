// One stroke drawing per page, 16 by 16.
import type { Page } from '../pages';

export const ICONS: Readonly<Record<Page | 'more', string>> = {
  watch: 'M8 2a5 5 0 0 1 5 5v4l1.5 2h-13L3 11V7a5 5 0 0 1 5-5zM6.5 13.5a1.6 1.6 0 0 0 3 0',
  orders: 'M1.5 8l13-6-4 13-3-5zM7.5 10l7-8',
  incidents: 'M8 1.5l6.5 12h-13zM8 6v4M8 11.5v.8',
  'hidden-dangers': 'M2 2.5h9v11H2zM4 5.5h5M4 8h5M11 6l3.5 3.5L11 13M4 10.5h3',
  handover: 'M2 5h9l-2.5-2.5M14 11H5l2.5 2.5',
  'roll-call': 'M3 2.5h3l1.5 3.5-2 1.5a8 8 0 0 0 3 3l1.5-2 3.5 1.5v3C7 14 2 9 3 2.5z',
  drills: 'M3 14V2M3 2.5h9l-2 3 2 3H3',
  tags: 'M2 13V9M6 13V3M10 13V6M14 13v-2',
  video: 'M1.5 4h9v8h-9zM10.5 7l4-2.5v7l-4-2.5',
  playback: 'M8 2a6 6 0 1 1-5.5 3.5M2 2.5l.5 3 3-.5M6.5 5.5l4 2.5-4 2.5z',
  roster: 'M2 3.5h12v10H2zM2 6.5h12M5.5 2v3M10.5 2v3M5 9h2M9 9h2M5 11.5h2',
  log: 'M3 2h10v12H3zM5.5 5h5M5.5 8h5M5.5 11h3',
  notices: 'M2 3h12v8H8l-3 3v-3H2zM5 6h6M5 8.5h4',
  audit: 'M4 1.5h6l3 3v10H4zM6 7h5M6 10h5',
  accounts: 'M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 14c.5-3 2.5-4.5 5.5-4.5s5 1.5 5.5 4.5z',
  tokens: 'M5.5 10.5a3 3 0 1 1 0-6 3 3 0 0 1 0 6zM8.3 7.5H14.5M12 7.5V10.5M14 7.5V9.5',
  more: 'M3 8h.1M8 8h.1M13 8h.1',
};
