// The one table of colours (console.md §6). CSS variables and canvas both read it; the palette test measures it.

export type Theme = 'dark' | 'light';

export interface LevelColour {
  readonly fill: string;
  /** Text upon the fill. */
  readonly ink: string;
}

export interface Palette {
  readonly field: string;
  readonly panel: string;
  readonly raised: string;
  readonly line: string;
  /** Border of things that can be pressed: 3:1 against field and panel. */
  readonly edge: string;
  readonly text: string;
  readonly muted: string;
  readonly normal: string;
  readonly focus: string;
  readonly accent: string;
  readonly accentInk: string;
  readonly selected: string;
  readonly hatch: string;
  /** Exercises, and nothing else: purple is no level's colour. */
  readonly drill: string;
  readonly drillInk: string;
  /** By level 1 to 5; index 0 is unused. */
  readonly levels: readonly LevelColour[];
}

const unused: LevelColour = { fill: '#000000', ink: '#ffffff' };

export const PALETTES: Readonly<Record<Theme, Palette>> = {
  dark: {
    field: '#14181d',
    panel: '#1c2229',
    raised: '#262e37',
    line: '#313b46',
    edge: '#74808c',
    text: '#d6dce3',
    muted: '#9aa4af',
    normal: '#8b949e',
    focus: '#ffffff',
    accent: '#c3ccd6',
    accentInk: '#101418',
    selected: '#2d3a48',
    hatch: '#38424d',
    drill: '#b08cff',
    drillInk: '#000000',
    levels: [
      unused,
      { fill: '#ff4747', ink: '#000000' },
      { fill: '#ff8a00', ink: '#000000' },
      { fill: '#ffe24a', ink: '#000000' },
      { fill: '#4aa3ff', ink: '#000000' },
      { fill: '#8b949e', ink: '#000000' },
    ],
  },
  light: {
    field: '#e6e8eb',
    panel: '#f4f5f7',
    raised: '#ffffff',
    line: '#c5cad1',
    edge: '#6b7580',
    text: '#1a2027',
    muted: '#4b5560',
    normal: '#5b646e',
    focus: '#101418',
    accent: '#2b3540',
    accentInk: '#ffffff',
    selected: '#cfd9e4',
    hatch: '#cdd2d8',
    drill: '#6a2fb5',
    drillInk: '#ffffff',
    levels: [
      unused,
      { fill: '#c4001a', ink: '#ffffff' },
      { fill: '#e56a00', ink: '#000000' },
      { fill: '#ffd400', ink: '#000000' },
      { fill: '#0b61c4', ink: '#ffffff' },
      { fill: '#5b646e', ink: '#ffffff' },
    ],
  },
};

const dashed = (name: string): string => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);

/** Writes the palette to `:root` (through the CSSOM, which a strict CSP allows). */
export function paint(theme: Theme, root: HTMLElement): void {
  const { levels, ...plain } = PALETTES[theme];
  for (const [name, colour] of Object.entries(plain)) root.style.setProperty(`--${dashed(name)}`, colour);
  levels.forEach(({ fill, ink }, level) => {
    root.style.setProperty(`--level-${level}`, fill);
    root.style.setProperty(`--level-${level}-ink`, ink);
  });
  root.style.colorScheme = theme;
  root.dataset.theme = theme;
}
