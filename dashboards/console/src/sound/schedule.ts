// When to sound what. Pure: the clock comes in, the pattern to start goes out. Two patterns never overlap.
import type { Level, Raise } from '../hall/state';
import { lengthOf } from './pattern';

/** Ⅰ repeats until silenced or acknowledged. */
export const REPEAT_MS = 5_000;
export const SILENCE_MS = 120_000;
/** Quiet between two patterns, so that they are heard as two. */
export const GAP_MS = 250;

export interface Sound {
  /** The running pattern ends here, ms; the next may start `GAP_MS` later. */
  readonly busyUntil: number;
  readonly silencedUntil: number;
  /** When Ⅰ last sounded. */
  readonly lastUrgentAt: number;
  /** Most urgent level waiting to sound; null: none. */
  readonly waiting: Level | null;
}

export const quiet: Sound = { busyUntil: 0, silencedUntil: 0, lastUrgentAt: 0, waiting: null };

/** A new Ⅰ or Ⅱ ends a silence at once; silence never acknowledges (ISA-18.2). */
export function hear(sound: Sound, raised: readonly Raise[], now: number): Sound {
  if (raised.length === 0) return sound;
  const level = raised.reduce<Level>((worst, r) => (r.level < worst ? r.level : worst), 5);
  const silenced = isSilenced(sound, now);
  if (silenced && level > 2) return sound;
  const waiting = sound.waiting === null || level < sound.waiting ? level : sound.waiting;
  return { ...sound, waiting, silencedUntil: silenced ? now : sound.silencedUntil };
}

export const silence = (sound: Sound, now: number): Sound => ({ ...sound, silencedUntil: now + SILENCE_MS, waiting: null });

export const isSilenced = (sound: Sound, now: number): boolean => now < sound.silencedUntil;

/** What to start now; `urgentUnacknowledged`: some Ⅰ waits for its acknowledgement. */
export function due(sound: Sound, urgentUnacknowledged: boolean, now: number): { sound: Sound; play: Level | null } {
  if (isSilenced(sound, now) || now < sound.busyUntil + GAP_MS) return { sound, play: null };
  const repeat = urgentUnacknowledged && now - sound.lastUrgentAt >= REPEAT_MS;
  const play = repeat ? 1 : sound.waiting;
  if (play === null) return { sound, play };
  const waiting = sound.waiting === play ? null : sound.waiting;
  const lastUrgentAt = play === 1 ? now : sound.lastUrgentAt;
  return { sound: { ...sound, waiting, lastUrgentAt, busyUntil: now + lengthOf(play) }, play };
}
