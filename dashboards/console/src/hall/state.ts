// What this console knows of the hall, and the words of its states.
import type { Alarm, NoticeFrame, Sources, Status } from '../api/types';
import type { Items } from '../work/items';

export const ALARM_STATES = [
  'normal', 'unacknowledged', 'acknowledged', 'returned_unacknowledged', 'latched', 'shelved', 'suppressed_by_design', 'out_of_service',
] as const;
export type AlarmState = (typeof ALARM_STATES)[number];

/** Ⅰ to Ⅳ and the diagnostics of the measuring system. */
export const LEVELS = [1, 2, 3, 4, 5] as const;
export type Level = (typeof LEVELS)[number];

export const levelOf = (priority: number): Level => LEVELS.find((l) => l === priority) ?? 5;

/** The server's word as one of ours; an unknown state is shown as unacknowledged, so that it cannot hide. */
export const alarmState = (word: string): AlarmState => ALARM_STATES.find((s) => s === word) ?? 'unacknowledged';

export interface Entry {
  readonly alarm: Alarm;
  /** Told before it was durable; settled by a second frame (design.md, direction 3). */
  readonly provisional: boolean;
  /** What stood before the provisional frame: where a hall that lost it goes back to. `null`: nothing stood. */
  readonly before: Alarm | null;
  /** Folded into a flood card by the server. */
  readonly collapsed: boolean;
}

/** Something that must be heard. */
export interface Raise {
  readonly alarmId: string;
  readonly seq: number;
  readonly level: Level;
}

export interface Flood {
  readonly on: boolean;
  readonly annunciated: number;
  readonly collapsed: number;
}

export interface Pulse {
  readonly serverTime: number;
  /** Console clock when the server's time arrived, ms. */
  readonly heardAt: number;
  readonly lastSeq: number;
  readonly sources: Sources;
  readonly lastReadingAt: number | null;
}

export interface Hall {
  /** Every episode that is not closed, by id. */
  readonly alarms: ReadonlyMap<string, Entry>;
  /** Closed ones, oldest first, bounded. */
  readonly closed: ReadonlyMap<string, Alarm>;
  /** Open alarms of a running drill: never among the real ones, never counted, never heard. */
  readonly played: ReadonlyMap<string, Alarm>;
  /** Orders, incidents, shifts and all other work, by id. */
  readonly items: Items;
  /** Newest first, bounded. */
  readonly notices: readonly NoticeFrame[];
  readonly seq: number;
  readonly flood: Flood;
  readonly pulse: Pulse | null;
  readonly version: string;
  readonly desk: string;
  /** Who stands the watch, as the status said. */
  readonly shift: Status['shift'];
  /** What the last batch of frames raised. */
  readonly raised: readonly Raise[];
  /** Error frames of the stream so far. */
  readonly refusals: number;
}

export const CLOSED_MAX = 500;
export const NOTICES_MAX = 300;

export const emptyHall = (): Hall => ({
  alarms: new Map(),
  closed: new Map(),
  played: new Map(),
  items: new Map(),
  notices: [],
  seq: 0,
  flood: { on: false, annunciated: 0, collapsed: 0 },
  pulse: null,
  version: '',
  desk: '',
  shift: null,
  raised: [],
  refusals: 0,
});
