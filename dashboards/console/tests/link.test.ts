import { describe, expect, it } from 'vitest';
import type { Frame } from '../src/api/types';
import { BACKOFF_MAX_MS, backoffMs } from '../src/stream/backoff';
import { parseFrame } from '../src/stream/frame';
import { CONNECT_TIMEOUT_MS, isLost, type Link, type LinkAction, type LinkEvent, newLink, SILENCE_MAX_MS, stepLink } from '../src/stream/link';
import { alarmFrame, heartbeat, hello, provisional } from './make';

interface Run { link: Link; actions: LinkAction[]; now: number }

const run = (from: Link, ...events: [number, LinkEvent][]): Run =>
  events.reduce<Run>(({ link, actions }, [now, event]) => {
    const step = stepLink(link, event, now);
    return { link: step.link, actions: [...actions, ...step.actions], now };
  }, { link: from, actions: [], now: 0 });

const frame = (f: Frame): LinkEvent => ({ kind: 'frame', frame: f });
const closed = (code = 1006): LinkEvent => ({ kind: 'closed', code, random: 0.5 });
const tick: LinkEvent = { kind: 'tick', random: 0.5 };
const kinds = (r: Run): string[] => r.actions.map((a) => a.kind);

/** Live at number 10, time 1000. */
const live = (): Link => run(newLink(0), [0, { kind: 'start' }], [10, { kind: 'snapshot', seq: 10 }], [1000, frame(hello(10))]).link;

describe('first connection', () => {
  it('loads, connects after the snapshot, is live when caught up', () => {
    const r = run(newLink(0), [0, { kind: 'start' }], [10, { kind: 'snapshot', seq: 10 }], [20, frame(hello(12))], [21, frame(alarmFrame({ seq: 11 }))], [22, frame(alarmFrame({ seq: 12 }))]);
    expect(r.actions).toEqual([
      { kind: 'load_snapshot' },
      { kind: 'connect', since: 10 },
      { kind: 'caught_up', missed: 2, afterLoss: false, snapshotTaken: false },
    ]);
    expect(r.link.phase).toBe('live');
  });
  it('tries again when the snapshot fails', () => {
    const r = run(newLink(0), [0, { kind: 'start' }], [10, { kind: 'snapshot_failed' }], [400, tick]);
    expect(kinds(r)).toEqual(['load_snapshot', 'load_snapshot']);
  });
});

describe('the link breaks', () => {
  it('resumes after the highest committed number and counts what was missed', () => {
    const r = run(live(), [2000, frame(alarmFrame({ seq: 11 }))], [3000, closed()], [3500, tick], [3600, frame(hello(14))],
      [3601, frame(alarmFrame({ seq: 12 }))], [3602, frame(alarmFrame({ seq: 13 }))], [3603, frame(alarmFrame({ seq: 14 }))]);
    expect(r.actions).toEqual([
      { kind: 'connect', since: 11 },
      { kind: 'caught_up', missed: 3, afterLoss: true, snapshotTaken: false },
    ]);
  });
  it('never resumes after a provisional number', () => {
    const r = run(live(), [2000, frame(provisional({ seq: 11 }))], [3000, closed()], [3500, tick]);
    expect(r.actions).toEqual([{ kind: 'connect', since: 10 }]);
  });
  it('repeats of old numbers are not counted as missed', () => {
    const r = run(live(), [3000, closed()], [3500, tick], [3600, frame(hello(11))], [3601, frame(alarmFrame({ seq: 9 }))], [3602, frame(alarmFrame({ seq: 11 }))]);
    expect(r.actions.at(-1)).toMatchObject({ missed: 1 });
  });
  it('silence without a close is a loss too', () => {
    const r = run(live(), [1000 + SILENCE_MAX_MS - 1, tick]);
    expect(r.actions).toEqual([]);
    expect(kinds(run(live(), [1000 + SILENCE_MAX_MS, tick]))).toEqual(['disconnect']);
  });
  it('a heartbeat keeps it alive', () => {
    expect(kinds(run(live(), [3000, frame(heartbeat(10))], [5000, tick]))).toEqual([]);
  });
  it('a connection without hello is given up', () => {
    const connecting = run(live(), [2000, closed()], [2500, tick]).link;
    expect(connecting.phase).toBe('connecting');
    expect(kinds(run(connecting, [2500 + CONNECT_TIMEOUT_MS, tick]))).toEqual(['disconnect']);
  });
});

describe('answers that need more than a resume', () => {
  it('snapshot_required: loads, connects again, says that all was loaded anew', () => {
    const r = run(live(), [2000, closed()], [2500, tick], [2600, frame({ type: 'snapshot_required', oldest_seq: 50, last_seq: 99 })],
      [2700, { kind: 'snapshot', seq: 99 }], [2800, frame(hello(99))]);
    expect(r.actions).toEqual([
      { kind: 'connect', since: 10 },
      { kind: 'load_snapshot' },
      { kind: 'connect', since: 99 },
      { kind: 'caught_up', missed: 0, afterLoss: true, snapshotTaken: true },
    ]);
  });
  it('a hello below our number means another journal: loads', () => {
    expect(kinds(run(live(), [2000, closed()], [2500, tick], [2600, frame(hello(3))])).at(-1)).toBe('load_snapshot');
  });
  it.each([[4400, 'load_snapshot'], [4401, 'login']])('close code %i: %s', (code, action) => {
    expect(kinds(run(live(), [2000, closed(code)]))).toEqual([action]);
  });
  it('a refused handshake asks whether the session still lives', () => {
    expect(kinds(run(live(), [2000, closed()], [2500, tick], [2510, closed()]))).toEqual(['connect', 'probe_session']);
  });
  it('too slow (4408): resumes like any loss', () => {
    expect(run(live(), [2000, closed(4408)], [2500, tick]).actions).toEqual([{ kind: 'connect', since: 10 }]);
  });
  it('after the end of the session nothing is tried', () => {
    const ended = run(live(), [2000, closed(4401)]).link;
    expect(kinds(run(ended, [9000, tick], [9100, closed()]))).toEqual([]);
  });
});

describe('promises in seconds', () => {
  it('the banner stands within 3 s of the last frame, whichever way the link dies', () => {
    const silent = live();
    expect(isLost(silent, 1000 + 3000)).toBe(true);
    const dead = run(live(), [1000, closed()]).link;
    expect(isLost(dead, 1000 + 3000)).toBe(true);
    expect(isLost(live(), 1500)).toBe(false);
  });
  it('while connecting again it stays lost until caught up', () => {
    const connecting = run(live(), [2000, closed()], [4000, tick]).link;
    expect(isLost(connecting, 4100)).toBe(true);
    expect(isLost(run(connecting, [4200, frame(hello(10))]).link, 4300)).toBe(false);
  });
  it('a short break shows no banner', () => {
    const back = run(live(), [2000, closed()], [2300, tick], [2350, frame(hello(10))]).link;
    expect(isLost(back, 2400)).toBe(false);
  });
  it('waits grow with jitter and stay short enough to resync in 3 s', () => {
    for (let attempt = 0; attempt < 50; attempt++) {
      for (const random of [0, 0.5, 0.999]) {
        const wait = backoffMs(attempt, random);
        expect(wait).toBeGreaterThan(50);
        expect(wait).toBeLessThanOrEqual(BACKOFF_MAX_MS);
      }
    }
    expect(backoffMs(0, 0)).toBeLessThan(backoffMs(3, 0));
    expect(backoffMs(9, 0)).not.toBe(backoffMs(9, 0.9));
  });
});

describe('text of a message', () => {
  it.each([
    ['{"type":"heartbeat"}', true],
    ['{"type":"hello"}', true],
    ['{"type":"reboot"}', false],
    ['[]', false],
    ['null', false],
    ['nonsense', false],
    ['', false],
  ])('%s', (text, ok) => expect(parseFrame(text).ok).toBe(ok));
});
