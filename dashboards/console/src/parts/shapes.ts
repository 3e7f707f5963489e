// Ⅰ octagon, Ⅱ triangle, Ⅲ diamond, Ⅳ circle, diagnostics square: the shape alone tells the level (16 by 16).
import type { Level } from '../hall/state';

export const SHAPES: Readonly<Record<Level, string>> = {
  1: 'M5 1h6l4 4v6l-4 4H5l-4-4V5z',
  2: 'M8 1l7.5 14H.5z',
  3: 'M8 .5L15.5 8 8 15.5.5 8z',
  4: 'M8 1a7 7 0 1 1 0 14A7 7 0 1 1 8 1z',
  5: 'M2 2h12v12H2z',
};
