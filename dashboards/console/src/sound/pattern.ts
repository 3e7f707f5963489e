// Four short patterns that differ in rhythm, pitch and count, so that they differ on bad speakers and for old ears (console.md §2.4).
import type { Level } from '../hall/state';

export interface Tone {
  /** Start within the pattern, ms. */
  readonly at: number;
  readonly ms: number;
  readonly hz: number;
  /** 0 to 1. */
  readonly gain: number;
  readonly wave: 'square' | 'triangle' | 'sine';
}

const pulses = (n: number, every: number, tone: Omit<Tone, 'at'>): Tone[] =>
  Array.from({ length: n }, (_, i) => ({ ...tone, at: i * every }));

export const PATTERNS: Readonly<Record<Level, readonly Tone[]>> = {
  // Ⅰ: two bursts of three urgent pulses.
  1: [
    ...pulses(3, 180, { ms: 120, hz: 988, gain: 0.9, wave: 'square' }),
    ...pulses(3, 180, { ms: 120, hz: 1319, gain: 0.9, wave: 'square' }).map((t) => ({ ...t, at: t.at + 700 })),
  ],
  // Ⅱ: two pairs, lower.
  2: [
    ...pulses(2, 260, { ms: 170, hz: 740, gain: 0.7, wave: 'square' }),
    ...pulses(2, 260, { ms: 170, hz: 740, gain: 0.7, wave: 'square' }).map((t) => ({ ...t, at: t.at + 760 })),
  ],
  // Ⅲ: a falling pair.
  3: [
    { at: 0, ms: 220, hz: 660, gain: 0.55, wave: 'triangle' },
    { at: 280, ms: 260, hz: 494, gain: 0.55, wave: 'triangle' },
  ],
  // Ⅳ: one soft tone.
  4: [{ at: 0, ms: 320, hz: 440, gain: 0.35, wave: 'sine' }],
  // Diagnostics: one short low tick.
  5: [{ at: 0, ms: 90, hz: 330, gain: 0.25, wave: 'sine' }],
};

/** How long a pattern lasts, ms. */
export const lengthOf = (level: Level): number => Math.max(...PATTERNS[level].map((t) => t.at + t.ms));
