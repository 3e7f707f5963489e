import { describe, expect, it } from 'vitest';
import type { ExerciseFrame, Frame, OrderFrame } from '../src/api/types';
import { fromSnapshot, reduce, rollBackProvisional } from '../src/hall/reduce';
import { CLOSED_MAX, emptyHall, type Hall, NOTICES_MAX } from '../src/hall/state';
import { alarm, alarmFrame, heartbeat, hello, item, notice, provisional, status, workFrame } from './make';

const after = (...frames: Frame[]): Hall => reduce(emptyHall(), frames, 0);
/** `id:state` of what stands open, provisional ones with `?`. */
const open = (hall: Hall): string => [...hall.alarms.values()].map((e) => `${e.alarm.alarm_id.slice(-1)}:${e.alarm.state}${e.provisional ? '?' : ''}`).join(' ');

const acknowledged = { state: 'acknowledged', acknowledged: true, cause: 'acknowledged', annunciation: 'none' } as const;
const closed = { state: 'normal', active: false, cause: 'recovered', annunciation: 'none' } as const;

describe('alarms', () => {
  const cases: [string, Frame[], string][] = [
    ['a raise opens', [alarmFrame({ seq: 1 })], '1:unacknowledged'],
    ['an acknowledgement changes the row', [alarmFrame({ seq: 1 }), alarmFrame({ seq: 2, ...acknowledged })], '1:acknowledged'],
    ['an older frame after a newer one changes nothing', [alarmFrame({ seq: 2, ...acknowledged }), alarmFrame({ seq: 1 })], '1:acknowledged'],
    ['closed leaves', [alarmFrame({ seq: 1 }), alarmFrame({ seq: 2, ...closed })], ''],
    ['a repeat after closing does not bring it back', [alarmFrame({ seq: 1 }), alarmFrame({ seq: 2, ...closed }), alarmFrame({ seq: 1 })], ''],
    ['provisional stands and says so', [provisional({ seq: 1 })], '1:unacknowledged?'],
    ['the second frame settles it', [provisional({ seq: 1 }), alarmFrame({ seq: 1 })], '1:unacknowledged'],
    ['a provisional close is still shown', [alarmFrame({ seq: 1 }), provisional({ seq: 2, ...closed })], '1:normal?'],
    ['a settled close leaves', [alarmFrame({ seq: 1 }), provisional({ seq: 2, ...closed }), alarmFrame({ seq: 2, ...closed })], ''],
    ['two alarms', [alarmFrame({ seq: 1 }), alarmFrame({ alarm_id: 'A-000002', seq: 2 })], '1:unacknowledged 2:unacknowledged'],
  ];
  it.each(cases)('%s', (_, frames, expected) => expect(open(after(...frames))).toBe(expected));

  it('applies the same whether frames come in one batch or singly', () => {
    const frames = cases.flatMap(([, f]) => f);
    const single = frames.reduce((hall, f) => reduce(hall, [f], 0), emptyHall());
    expect(open(single)).toBe(open(after(...frames)));
    expect(single.seq).toBe(after(...frames).seq);
  });

  it('leaves the hall it was given untouched', () => {
    const before = after(alarmFrame({ seq: 1 }));
    reduce(before, [alarmFrame({ seq: 2, ...closed }), notice(3, { kind: 'flood', on: true })], 0);
    expect(open(before)).toBe('1:unacknowledged');
    expect(before.notices).toEqual([]);
  });

  it('keeps maps that no frame touched, so that views stay still', () => {
    const before = after(alarmFrame({ seq: 1 }));
    const next = reduce(before, [heartbeat(1)], 0);
    expect(next.alarms).toBe(before.alarms);
    expect(next.items).toBe(before.items);
  });

  it('counts only committed numbers as reached', () => {
    expect(after(provisional({ seq: 5 })).seq).toBe(0);
    expect(after(provisional({ seq: 5 }), alarmFrame({ seq: 5 })).seq).toBe(5);
  });

  it('bounds the closed ones, oldest out', () => {
    const frames = Array.from({ length: CLOSED_MAX + 3 }, (_, i) => alarmFrame({ ...closed, alarm_id: `A-${i}`, seq: i + 1 }));
    const hall = after(...frames);
    expect(hall.closed.size).toBe(CLOSED_MAX);
    expect(hall.closed.has('A-2')).toBe(false);
    expect(hall.closed.has('A-3')).toBe(true);
  });
});

describe('what must be heard', () => {
  const heard = (...frames: Frame[]): string => after(...frames).raised.map((r) => `${r.level}@${r.seq}`).join(' ');
  it.each<[string, Frame[], string]>([
    ['an individual raise', [alarmFrame({ seq: 1, priority: 1 })], '1@1'],
    ['once, though it settles later', [provisional({ seq: 1, priority: 2 }), alarmFrame({ seq: 1, priority: 2 })], '2@1'],
    ['not an acknowledgement', [alarmFrame({ seq: 1, ...acknowledged })], ''],
    ['not what a flood collapsed', [alarmFrame({ seq: 1, annunciation: 'collapsed' })], ''],
    ['not what is shelved', [alarmFrame({ seq: 1, annunciation: 'shelved' })], ''],
    ['an unknown priority as a diagnostic', [alarmFrame({ seq: 1, priority: 9 })], '5@1'],
  ])('%s', (_, frames, expected) => expect(heard(...frames)).toBe(expected));
});

describe('provisional alarms of a hall that restarted', () => {
  it('goes back to what was durable and counts', () => {
    const hall = after(alarmFrame({ seq: 1 }), provisional({ seq: 2, ...acknowledged }), provisional({ alarm_id: 'A-000002', seq: 3 }));
    const back = rollBackProvisional(hall);
    expect(back.count).toBe(2);
    expect(open(back.hall)).toBe('1:unacknowledged');
  });
  it('keeps the durable state under two provisional steps', () => {
    const hall = after(alarmFrame({ seq: 1, value: 10 }), provisional({ seq: 2, value: 20 }), provisional({ seq: 3, value: 30 }));
    expect(rollBackProvisional(hall).hall.alarms.get('A-000001')?.alarm.value).toBe(10);
  });
  it('changes nothing when all is settled', () => {
    const hall = after(alarmFrame({ seq: 1 }));
    expect(rollBackProvisional(hall)).toEqual({ hall, count: 0 });
  });
});

describe('the rest of the stream', () => {
  it('keeps the newest state of an item', () => {
    const hall = after(workFrame({ seq: 4, state: 'delivered' }), workFrame({ seq: 3 }));
    expect(hall.items.get('O-000001')?.state).toBe('delivered');
    expect(hall.seq).toBe(4);
  });
  it('what is played is kept apart from what is real, and goes with the drill', () => {
    const played: ExerciseFrame = { type: 'exercise', seq: 7, frame: alarmFrame({ alarm_id: 'A-900001', seq: 7, priority: 1 }), committed_at: 1 };
    const hall = after(alarmFrame({ seq: 1 }), played);
    expect([open(hall), [...hall.played.keys()], hall.seq, hall.raised.length]).toEqual(['1:unacknowledged', ['A-900001'], 7, 1]);
    expect(reduce(hall, [notice(8, { kind: 'exercise', on: false })], 0).played.size).toBe(0);
    expect(reduce(hall, [{ ...played, seq: 8, frame: alarmFrame({ alarm_id: 'A-900001', seq: 8, ...closed }) }], 0).played.size).toBe(0);
  });
  it('an order that the old frame carries is the same item', () => {
    const order = { ...workFrame({ seq: 2, state: 'delivered' }), type: 'order' } as unknown as OrderFrame;
    expect(after(workFrame({ seq: 1 }), order).items.get('O-000001')?.state).toBe('delivered');
  });
  it('orders notices newest first, once each, bounded', () => {
    const frames = Array.from({ length: NOTICES_MAX + 5 }, (_, i) => notice(i + 1, { kind: 'link' }));
    const hall = after(...frames, notice(3, { kind: 'link' }), notice(NOTICES_MAX + 5, { kind: 'link' }));
    expect(hall.notices.length).toBe(NOTICES_MAX);
    expect(hall.notices[0]?.seq).toBe(NOTICES_MAX + 5);
    expect(new Set(hall.notices.map((n) => n.seq)).size).toBe(NOTICES_MAX);
  });
  it('takes flood mode from the notice', () => {
    const on = after(notice(1, { kind: 'flood', desk: 'd', on: true, annunciated: 11, collapsed: 4 }));
    expect(on.flood).toEqual({ on: true, annunciated: 11, collapsed: 4 });
    expect(reduce(on, [notice(2, { kind: 'flood', desk: 'd', on: false })], 0).flood.on).toBe(false);
  });
  it('hears the pulse and the desk', () => {
    const hall = reduce(emptyHall(), [hello(7), heartbeat(9)], 1234);
    expect(hall.desk).toBe('值守一席');
    expect(hall.pulse).toMatchObject({ heardAt: 1234, lastSeq: 9, lastReadingAt: 4_000_000, sources: { stale: 1 } });
  });
});

describe('a snapshot', () => {
  const snapshot = { seq: 9, alarms: [alarm({ alarm_id: 'A-000009', seq: 9, priority: 1 })], closed: [], played: [], items: [item()], notices: [], status: status({ flood: true }) };
  it('replaces everything', () => {
    const hall = fromSnapshot(after(alarmFrame({ seq: 1 })), snapshot, 0);
    expect(open(hall)).toBe('9:unacknowledged');
    expect(hall.seq).toBe(9);
    expect(hall.flood.on).toBe(true);
  });
  it('is silent at the first load, but what came during a loss is heard', () => {
    expect(fromSnapshot(emptyHall(), snapshot, 0).raised).toEqual([]);
    expect(fromSnapshot(after(alarmFrame({ seq: 1 })), snapshot, 0).raised.map((r) => r.level)).toEqual([1]);
  });
});
