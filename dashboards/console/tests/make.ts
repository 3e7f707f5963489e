// Alarms and frames for the tables: every field is given, the test names only what it is about.
import type { Alarm, AlarmFrame, Heartbeat, Hello, NoticeFrame, Status } from '../src/api/types';
import type { Deadline, WorkFrame, WorkItem } from '../src/api/work';

export const alarm = (over: Partial<Alarm> = {}): Alarm => ({
  alarm_id: 'A-000001', seq: 1, enterprise: 'hengxin', tag: 'nh3-1', unit_id: 'tank-1', state: 'unacknowledged', active: true, acknowledged: false,
  priority: 3, level: 'h', value: 30, peak: 31, limit: 25, unit: 'ppm', quality: 'good', source_time: 0, raised_at: 0, returned_at: null,
  acknowledgement: null, shelving: null, suppressed_by: [], occurrences: 1, chattering: false, data_lost: false, escalation_step: 0,
  first_out: 0, group: 'tank-1', class: 'gas', message_zh: '氨浓度高限', message_en: 'ammonia high', retired: false, rule_revision: 1,
  ...over,
});

export const alarmFrame = (over: Partial<AlarmFrame> = {}): AlarmFrame => ({
  ...alarm(), type: 'alarm', from: 'normal', cause: 'raised', actor: null, note: null, event_time: 0, detected_at: 0,
  annunciation: 'individual', replayed: false, late: false, committed_at: 1, provisional: false, ...over,
});

export const provisional = (over: Partial<AlarmFrame> = {}): AlarmFrame => alarmFrame({ ...over, committed_at: null, provisional: true });

export const item = (over: Partial<WorkItem> = {}): WorkItem => ({
  id: 'O-000001', kind: 'order', seq: 1, state: 'issued', ended: false, title: '到场', provenance: 'real', fields: { priority: 'I' },
  links: [{ rel: 'alarm', to: 'A-000001' }], deadlines: [], receiver: null, owner: null, created_at: 0, created_by: { account: 'a', name: '甲' },
  ended_at: null, actions: [], ...over,
});

export const deadline = (name: string, at: number): Deadline => ({
  name, at, rung: 0, overdue_since: null, profile: 'order.ack.I', source: 'built in', confidence: 'G', article: '',
});

export const workFrame = (over: Partial<WorkItem> = {}): WorkFrame => {
  const made = item(over);
  return {
    type: 'work', seq: made.seq, item: made, from: null, action: 'create', actor: made.created_by, note: '', cause: { kind: 'command' },
    detected_at: 0, committed_at: 1, provisional: false,
  };
};

export const notice = (seq: number, body: { kind: string } & Record<string, unknown>): NoticeFrame => ({
  type: 'notice', seq, detected_at: seq, notice: body, committed_at: seq, provisional: false,
});

export const hello = (last_seq: number): Hello => ({ type: 'hello', server_time: 0, last_seq, version: '0.1.0', heartbeat_ms: 1000, desk: '值守一席' });

export const heartbeat = (last_seq: number): Heartbeat => ({
  type: 'heartbeat', server_time: 5_000_000, last_seq, sources: { live: 3, stale: 1, total: 4 }, last_reading_at: 4_000_000,
});

export const status = (over: Partial<Status> = {}): Status => ({
  server_time: 0, version: '0.1.0', last_seq: 0, desk: '值守一席', sources: { live: 0, stale: 0, total: 0 }, last_reading_at: null,
  rules_revision: 1, flood: false, journal: { provisional: 0 }, ...over,
});
