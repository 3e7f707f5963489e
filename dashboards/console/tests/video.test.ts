import { describe, expect, test } from 'vitest';
import type { Camera, Recordings } from '../src/api/types';
import { around, marks, momentAt, placeOf, rangeEnding, shifted } from '../src/video/bar';
import { chase } from '../src/video/chase';
import { chooseMode, chooseStream, fallBack } from '../src/video/mode';
import { parsePacket } from '../src/video/packet';
import { clipStretch, offsetOf } from '../src/video/preroll';
import { gapsOf, playFrom, recordedSpans, spanAt } from '../src/video/recording';
import { groupsOf, moved, nextGroup, shownOn, START, turned, type Wall, withCount, zoomed } from '../src/video/wall';

describe('packet', () => {
  // The same bytes as in crates/video/src/live/packet.rs.
  const head = [2, 5, 1, 2, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 9];
  test('the head as the server writes it', () => {
    const packet = parsePacket(new Uint8Array([...head, 77]).buffer);
    expect(packet).toMatchObject({ kind: 'fragment', key: true, cached: false, afterDrop: true, tile: 258, number: 7, mediaUs: 9 });
    expect(packet?.receivedMs).toBeCloseTo(0x0102030405060708 / 1000, -1);
    expect([...(packet?.payload ?? [])]).toEqual([77]);
  });
  test('what is none of ours is none', () => {
    expect(parsePacket(new ArrayBuffer(23))).toBeNull();
    expect(parsePacket(new Uint8Array(24).buffer)).toBeNull();
    expect(parsePacket(new Uint8Array(24).fill(9).buffer)).toBeNull();
  });
});

describe('chase', () => {
  test('half a second behind it jumps to the edge', () => {
    expect(chase([[0, 10]], 9.4).seek).toBeCloseTo(9.96);
    expect(chase([[0, 10]], 9.6)).toMatchObject({ seek: null, rate: 1.1 });
    expect(chase([[0, 10]], 9.95)).toMatchObject({ seek: null, rate: 1 });
  });
  test('it does not wait before a hole that will never be filled', () => expect(chase([[0, 5], [9.8, 10]], 5).seek).toBeCloseTo(9.96));
  test('another line of time that began anew is followed', () => expect(chase([[0, 0.2]], 300).seek).toBeCloseTo(0.16));
  test('what was played is thrown away', () => {
    expect(chase([[0, 20]], 19.97).removeBefore).toBeCloseTo(15.97);
    expect(chase([[10, 20]], 19.97).removeBefore).toBeNull();
  });
  test('nothing buffered, nothing done', () => expect(chase([], 3)).toEqual({ seek: null, rate: 1, removeBefore: null }));
});

describe('mode', () => {
  const [all, plain] = [{ mse: true, codecs: true }, { mse: true, codecs: false }];
  test.each([
    ['auto', 1, all, 'raw'], ['auto', 4, all, 'raw'], ['auto', 9, all, 'mse'], ['auto', 25, all, 'jpeg'],
    ['auto', 1, plain, 'mse'], ['raw', 1, plain, 'mse'], ['raw', 25, all, 'raw'], ['mse', 25, all, 'jpeg'], ['jpeg', 1, all, 'jpeg'],
    ['auto', 9, { mse: false, codecs: false }, 'jpeg'],
  ] as const)('%s, %i tiles → %s', (preference, tiles, can, expected) => expect(chooseMode(preference, tiles, can)).toBe(expected));
  test('near the limit the stream stays', () => {
    expect([chooseStream(700, 'sub'), chooseStream(700, 'main'), chooseStream(600, 'main'), chooseStream(800, null)]).toEqual(['sub', 'main', 'sub', 'main']);
  });
  test('a codec the browser cannot decode: the other stream, then pictures, then nothing', () => {
    const first = fallBack('main', 'mse', false);
    expect(first).toEqual({ stream: 'sub', mode: 'mse' });
    expect(fallBack('sub', 'mse', true)).toEqual({ stream: 'sub', mode: 'jpeg' });
    expect(fallBack('sub', 'jpeg', true)).toBeNull();
  });
});

describe('wall', () => {
  const cameras = Array.from({ length: 10 }, (_, i) => ({ id: `c${i}`, enterprise: i < 6 ? 'a' : 'b' })) as Camera[];
  const ids = (wall: Wall): string => shownOn(wall, cameras).map((c) => c?.id ?? '-').join(' ');
  test('pages go round', () => {
    expect(ids(START)).toBe('c0 c1 c2 c3');
    const last = turned(START, 10, -1);
    expect(ids(last)).toBe('c8 c9 - -');
    expect(ids(turned(last, 10, 1))).toBe('c0 c1 c2 c3');
  });
  test('the selected camera stays when the count changes', () => {
    const wall = withCount({ ...START, first: 4, at: 2 }, 1);
    expect(ids(wall)).toBe('c6');
    expect(withCount(wall, 9)).toMatchObject({ first: 0, at: 6 });
  });
  test('enlarged and back', () => {
    const one = zoomed({ ...START, count: 9, at: 7 });
    expect([ids(one), one.count]).toEqual(['c7', 1]);
    expect(zoomed(one)).toMatchObject({ count: 9, first: 0, at: 7 });
  });
  test('groups one after another, then all', () => {
    const groups = groupsOf(cameras);
    const [a, b] = [nextGroup(START, groups), nextGroup(nextGroup(START, groups), groups)];
    expect([ids(a), ids(b), nextGroup(b, groups).group]).toEqual(['c0 c1 c2 c3', 'c6 c7 c8 c9', '']);
  });
  test.each([
    [4, 0, 1, 0, 1], [4, 1, 1, 0, 1], [4, 1, 0, 1, 3], [9, 4, 0, -1, 1],
    [6, 0, 1, 0, 1], [6, 0, 0, 1, 3], [6, 3, 0, -1, 0], [6, 2, -1, 0, 0], [6, 5, 0, -1, 2],
  ] as const)('of %i tiles, from %i by %i,%i to %i', (count, at, dx, dy, expected) => expect(moved({ ...START, count, at }, dx, dy).at).toBe(expected));
});

describe('recordings', () => {
  const reason = { code: 'offline', zh: '断开', en: 'offline' };
  const all = {
    camera: 'c', from: 0, to: 100e6,
    segments: [{ t0: 50e6, t1: 60e6 }, { t0: 10e6, t1: 20e6 }, { t0: 20.05e6, t1: 30e6 }],
    gaps: [{ t0: -5e6, t1: 10e6, reason }, { t0: 30e6, t1: 50e6, reason }, { t0: 60e6, t1: null, reason }],
  } as unknown as Recordings;
  const spans = recordedSpans(all);
  test('files without a seam are one stretch', () => expect(spans).toEqual([{ t0: 10e6, t1: 30e6 }, { t0: 50e6, t1: 60e6 }]));
  test('gaps end at the range', () => expect(gapsOf(all).map((g) => [g.t0, g.t1, g.open])).toEqual([[0, 10e6, false], [30e6, 50e6, false], [60e6, 100e6, true]]));
  test('playing goes on behind a gap', () => {
    expect([playFrom(spans, 12e6), playFrom(spans, 35e6), playFrom(spans, 70e6)]).toEqual([12e6, 50e6, null]);
    expect(spanAt(spans, 30e6)).toBeUndefined();
  });
});

describe('time bar', () => {
  const range = rangeEnding(3_600e6, 1);
  test('places and moments', () => {
    expect([placeOf(range, 1_800e6), placeOf(range, -9e6), placeOf(range, 9_999e6)]).toEqual([50, 0, 100]);
    expect(momentAt(range, 0.25)).toBe(900e6);
  });
  test('never later than now', () => {
    expect(shifted(range, 0.5, 3_700e6)).toEqual({ from: 100e6, to: 3_700e6 });
    expect(shifted(range, -0.5, 3_700e6)).toEqual({ from: -1_800e6, to: 1_800e6 });
    expect(around(3_600e6, 3_600e6, 3_700e6).to).toBe(3_700e6);
  });
  test.each([1, 6, 24])('%i hours have few marks', (hours) => {
    const found = marks(rangeEnding(90_000e6, hours));
    expect(found.length).toBeGreaterThan(5);
    expect(found.length).toBeLessThanOrEqual(15);
  });
});

describe('pre-roll', () => {
  test('thirty seconds before the alarm, as far as there are', () => {
    expect(clipStretch({ t0: 0, t1: 400e6 }, 60e6, 500e6)).toEqual({ from: 30e6, to: 70e6 });
    expect(clipStretch({ t0: 50e6, t1: 400e6 }, 60e6, 62e6)).toEqual({ from: 50e6, to: 61.7e6 });
    expect(offsetOf(30e6, 12, 60e6)).toBe(-18);
  });
});
