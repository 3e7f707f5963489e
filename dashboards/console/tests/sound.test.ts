import { describe, expect, it } from 'vitest';
import { LEVELS, type Level } from '../src/hall/state';
import { lengthOf, PATTERNS } from '../src/sound/pattern';
import { due, GAP_MS, hear, quiet, REPEAT_MS, silence, SILENCE_MS, type Sound } from '../src/sound/schedule';

const raise = (level: Level): { alarmId: string; seq: number; level: Level } => ({ alarmId: 'A', seq: 1, level });

interface Played { at: number; level: Level }

/** Runs the schedule every 50 ms; `raises` by time in ms, `urgent` says whether some Ⅰ waits. */
function listen(ms: number, raises: ReadonlyMap<number, Level[]>, urgent: (now: number) => boolean, start: Sound = quiet): Played[] {
  let sound = start;
  const played: Played[] = [];
  for (let now = 1_000_000; now <= 1_000_000 + ms; now += 50) {
    sound = hear(sound, (raises.get(now - 1_000_000) ?? []).map(raise), now);
    const next = due(sound, urgent(now - 1_000_000), now);
    sound = next.sound;
    if (next.play !== null) played.push({ at: now - 1_000_000, level: next.play });
  }
  return played;
}
const never = (): boolean => false;

describe('patterns', () => {
  it('differ in rhythm or pitch', () => {
    expect(new Set(LEVELS.map((l) => JSON.stringify(PATTERNS[l]))).size).toBe(LEVELS.length);
  });
  it('are shorter than the repeat of Ⅰ', () => {
    for (const level of LEVELS) expect(lengthOf(level)).toBeLessThan(REPEAT_MS / 2);
  });
  it('their own tones do not overlap', () => {
    for (const level of LEVELS) {
      const tones = PATTERNS[level];
      tones.forEach((tone, i) => i > 0 && expect(tone.at).toBeGreaterThanOrEqual((tones[i - 1]?.at ?? 0) + (tones[i - 1]?.ms ?? 0)));
    }
  });
});

describe('schedule', () => {
  it('never overlaps, whatever comes: 100 raises a second for a minute, random levels', () => {
    let seed = 7;
    const next = (): number => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
    const raises = new Map<number, Level[]>();
    for (let t = 0; t < 60_000; t += 50) raises.set(t, Array.from({ length: 5 }, () => LEVELS[Math.floor(next() * 5)] ?? 5));
    const played = listen(62_000, raises, () => true);
    expect(played.length).toBeGreaterThan(20);
    played.forEach((p, i) => {
      const before = played[i - 1];
      if (before) expect(p.at - before.at).toBeGreaterThanOrEqual(lengthOf(before.level) + GAP_MS);
    });
  });
  it('sounds a raise once', () => expect(listen(20_000, new Map([[0, [3 as Level]]]), never)).toEqual([{ at: 0, level: 3 }]));
  it('the worst of a batch sounds', () => expect(listen(3_000, new Map([[0, [4, 2, 3] as Level[]]]), never).map((p) => p.level)).toEqual([2]));
  it('a worse one is not kept waiting behind a lesser one', () => {
    const played = listen(5_000, new Map([[0, [4] as Level[]], [50, [3] as Level[]], [100, [1] as Level[]]]), never);
    expect(played.map((p) => p.level)).toEqual([4, 1]);
  });
  it('Ⅰ repeats every 5 s until it is acknowledged', () => {
    const played = listen(23_000, new Map([[0, [1 as Level]]]), (now) => now < 16_000);
    expect(played.map((p) => p.at)).toEqual([0, 5_000, 10_000, 15_000]);
  });
  it('silence stops the repeat for 120 s, then it starts again', () => {
    const played = listen(SILENCE_MS + 6_000, new Map(), () => true, silence(quiet, 1_000_000));
    expect(played.map((p) => p.at)).toEqual([SILENCE_MS, SILENCE_MS + 5_000]);
  });
  it.each<[Level, boolean]>([[1, true], [2, true], [3, false], [4, false]])('a new level %i ends a silence: %s', (level, ends) => {
    const played = listen(3_000, new Map([[1_000, [level]]]), never, silence(quiet, 1_000_000));
    expect(played.length > 0).toBe(ends);
  });
});
