// Connects stream and reducer to the views: frames are collected and applied once per painted frame.
import { nextTick, shallowRef } from 'vue';
import { ApiError, get, getJson } from '../api/client';
import type { Alarm, ClientFrame, Frame, NoticeFrame } from '../api/types';
import { listWork, type WorkItem, type WorkQuery } from '../api/work';
import { count } from '../hall/order';
import { fromSnapshot, reduce, rollBackProvisional, type Snapshot } from '../hall/reduce';
import { emptyHall, type Hall } from '../hall/state';
import { pick, t } from '../i18n';
import { StreamClient } from '../stream/client';
import { type Link, newLink } from '../stream/link';
import { ended, me } from './session';
import { toast } from './toast';

export const hall = shallowRef<Hall>(emptyHall());
export const link = shallowRef<Link>(newLink(Date.now()));
export const counters = shallowRef(count(hall.value));
/** Version of the server when this page was loaded; another one later means a newer interface. */
export const firstVersion = shallowRef('');
export const unreadable = shallowRef(0);

type Listener<T> = (value: T) => void;
const hallListeners = new Set<Listener<Hall>>();
const readingListeners = new Set<Listener<Extract<Frame, { type: 'readings' }>>>();
const greetings = new Set<() => ClientFrame | null>();

/** Called after every applied batch, hidden tab or not: sound must not wait for a paint. */
export const onHall = (listener: Listener<Hall>): void => void hallListeners.add(listener);
export const onReadings = (listener: Listener<Extract<Frame, { type: 'readings' }>>): void => void readingListeners.add(listener);
/** Repeated on every connection; null: nothing to say. */
export const onGreeting = (greeting: () => ClientFrame | null): void => void greetings.add(greeting);

/** A hidden tab paints nothing; its frames are applied by this timer instead, ms. */
const HIDDEN_FLUSH_MS = 200;
/** A costly batch (10,000 rows in flood) makes the next one wait, so that keys stay quick: at most this, ms. */
const FLUSH_GAP_MAX_MS = 200;
const FLUSH_COST_FACTOR = 3;

/** The server's own bound on one list; an answer that long may lack some, and says so. */
const OPEN_MAX = 10_000;
const CLOSED_LOADED = 200;
const NOTICES_LOADED = 200;

let queue: Frame[] = [];
let scheduled = false;
let notBefore = 0;

function set(next: Hall): void {
  hall.value = next;
  counters.value = count(next);
  firstVersion.value ||= next.version;
  unreadable.value = stream.unreadable;
  for (const listener of hallListeners) listener(next);
}

function flush(): void {
  scheduled = false;
  if (queue.length === 0) return;
  const frames = queue;
  queue = [];
  const began = performance.now();
  set(reduce(hall.value, frames, Date.now()));
  // The views are drawn at the next tick: their cost counts too.
  void nextTick().then(() => {
    const cost = performance.now() - began;
    notBefore = began + Math.min(FLUSH_GAP_MAX_MS, cost * FLUSH_COST_FACTOR);
  });
  requestAnimationFrame(() => stream.send({ type: 'receipt', seq: hall.value.seq }));
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  const wait = notBefore - performance.now();
  if (document.hidden) setTimeout(flush, HIDDEN_FLUSH_MS);
  else if (wait > 4) setTimeout(() => requestAnimationFrame(flush), wait);
  else requestAnimationFrame(flush);
}

// A frame scheduled for a paint that no longer comes would wait until the tab is shown again.
document.addEventListener('visibilitychange', flush);

/** What is loaded of each kind; the ledger, the roster and the log are paged by their own pages. */
const WORK_LOADED: readonly WorkQuery[] = [
  { kind: 'order', open: true, limit: 1_000 },
  { kind: 'order', open: false, limit: 100 },
  { kind: 'incident', open: true, limit: 200 },
  { kind: 'incident', open: false, limit: 50 },
  { kind: 'lesson', open: true, limit: 200 },
  { kind: 'handover', limit: 20 },
  { kind: 'shift', open: true, limit: 200 },
  { kind: 'swap', open: true, limit: 50 },
  { kind: 'roll_call', limit: 20 },
  { kind: 'call', open: true, limit: 1_000 },
  { kind: 'drill', limit: 100 },
  { kind: 'vigilance', open: true, limit: 20 },
];
/** Field staff see what was sent to them and nothing else. */
const WORK_OF_FIELD: readonly WorkQuery[] = [{ kind: 'call', open: true, limit: 20 }, { kind: 'order', open: true, limit: 100 }, { kind: 'order', open: false, limit: 20 }];

async function loadWork(queries: readonly WorkQuery[]): Promise<{ seq: number; items: WorkItem[] }> {
  const lists = await Promise.all(queries.map(listWork));
  return { seq: Math.min(...lists.map((l) => l.seq)), items: lists.flatMap((l) => l.items) };
}

async function loadFieldSnapshot(): Promise<number> {
  const { seq, items } = await loadWork(WORK_OF_FIELD);
  queue = [];
  set({ ...hall.value, items: new Map(items.map((x) => [x.id, x])), seq });
  return seq;
}

async function loadHallSnapshot(): Promise<number> {
  const [open, closed, played, work, notices, status] = await Promise.all([
    get('/api/v1/alarms', { query: { state: 'open', limit: OPEN_MAX } }),
    get('/api/v1/alarms', { query: { state: 'closed', limit: CLOSED_LOADED } }),
    getJson<{ alarms: Alarm[] }>('/api/v1/alarms', { provenance: 'exercise' }),
    loadWork(WORK_LOADED),
    get('/api/v1/notices', { query: { limit: NOTICES_LOADED } }),
    get('/api/v1/status'),
  ]);
  const snapshot: Snapshot = {
    // Resume from the older of the two, so that nothing between the answers is missed; repeats change nothing.
    seq: Math.min(open.seq, work.seq),
    alarms: open.alarms,
    closed: closed.alarms,
    played: played.alarms,
    items: work.items,
    notices: notices.notices as unknown as NoticeFrame[], // the schema says only "object" of a notice's body
    status,
  };
  if (open.alarms.length >= OPEN_MAX) toast(t('list.truncated', { n: OPEN_MAX }), 'error');
  queue = [];
  set(fromSnapshot(hall.value, snapshot, Date.now()));
  return snapshot.seq;
}

async function loadSnapshot(): Promise<number> {
  try {
    return await (me.value?.role === 'field' ? loadFieldSnapshot() : loadHallSnapshot());
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) sessionEnded();
    throw error;
  }
}

function probeSession(): void {
  get('/api/v1/me').catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 401) sessionEnded();
  });
}

function sessionEnded(): void {
  ended.value = me.value !== null;
  me.value = null;
  stream.stop();
}

function caughtUp(missed: number, afterLoss: boolean, snapshotTaken: boolean): void {
  flush();
  if (!afterLoss) return;
  const back = rollBackProvisional(hall.value);
  if (back.count > 0) {
    set(back.hall);
    toast(t('link.rolled_back', { n: back.count }));
  }
  if (snapshotTaken) toast(t('link.snapshot'));
  else toast(missed > 0 ? t('link.caught_up', { n: missed }) : t('link.nothing_missed'));
}

export const stream: StreamClient = new StreamClient({
  loadSnapshot,
  frame(frame) {
    if (frame.type === 'readings') return readingListeners.forEach((listener) => listener(frame));
    // The stream refused something we sent (a tag that is gone): said, not only counted.
    if (frame.type === 'error') toast(`${pick(frame.message_zh, frame.message_en)} ${frame.field}`);
    queue.push(frame);
    schedule();
  },
  changed: (next) => (link.value = next),
  caughtUp,
  probeSession,
  sessionEnded,
  greeting: () => [...greetings].map((g) => g()).filter((f) => f !== null),
});
