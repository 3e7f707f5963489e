// The link's life as a pure machine: connect, resume, watch the heartbeat, catch up, fall back to a snapshot.
// Time and randomness are arguments; what must be done comes back as actions (console.md §2.3).
import type { Fact, Frame } from '../api/types';
import { backoffMs } from './backoff';

/** No frame for this long, ms: the link is lost. The banner must stand within 3 s. */
export const SILENCE_MAX_MS = 2_500;
/** A connection that says no hello within this, ms, is given up. */
export const CONNECT_TIMEOUT_MS = 2_500;

export type Phase = 'loading' | 'connecting' | 'catching_up' | 'live' | 'waiting' | 'ended';

export interface Link {
  phase: Phase;
  /** Connections failed in a row. */
  attempt: number;
  /** Highest committed number applied; the next connection resumes after it. */
  since: number;
  /** Newest number when the server said hello; caught up when `since` reaches it. */
  target: number;
  /** When the last frame arrived, console clock, ms; null before the first. */
  lastFrameAt: number | null;
  /** Since when there is no link, ms; null while live. */
  lostAt: number | null;
  /** When this phase began, ms. */
  phaseAt: number;
  /** Wait until this before connecting, ms. */
  retryAt: number;
  /** Facts that came after a loss, while catching up. */
  missed: number;
  /** Whether there was a live link before. */
  everLive: boolean;
  /** The state came from a snapshot after the loss: the count of missed facts is not known. */
  snapshotTaken: boolean;
}

export type LinkEvent =
  | { kind: 'start' }
  | { kind: 'snapshot'; seq: number }
  | { kind: 'snapshot_failed' }
  | { kind: 'frame'; frame: Frame }
  | { kind: 'closed'; code: number; random: number }
  | { kind: 'tick'; random: number };

export type LinkAction =
  | { kind: 'load_snapshot' }
  | { kind: 'connect'; since: number }
  | { kind: 'disconnect' }
  | { kind: 'probe_session' }
  | { kind: 'login' }
  | { kind: 'caught_up'; missed: number; afterLoss: boolean; snapshotTaken: boolean };

export type Step = { link: Link; actions: LinkAction[] };

export const newLink = (now: number): Link => ({
  phase: 'waiting',
  attempt: 0,
  since: 0,
  target: 0,
  lastFrameAt: null,
  lostAt: now,
  phaseAt: now,
  retryAt: now,
  missed: 0,
  everLive: false,
  snapshotTaken: false,
});

const SESSION_ENDED = 4401;
const SEQ_FUTURE = 4400;

const enter = (link: Link, phase: Phase, now: number): Link => ({ ...link, phase, phaseAt: now });

function load(link: Link, now: number): Step {
  return { link: { ...enter(link, 'loading', now), snapshotTaken: link.everLive }, actions: [{ kind: 'load_snapshot' }] };
}

function connect(link: Link, now: number): Step {
  return { link: enter(link, 'connecting', now), actions: [{ kind: 'connect', since: link.since }] };
}

function wait(link: Link, now: number, random: number): Step {
  const next = enter({ ...link, lostAt: link.lostAt ?? now, attempt: link.attempt + 1 }, 'waiting', now);
  return { link: { ...next, retryAt: now + backoffMs(link.attempt, random) }, actions: [] };
}

function caughtUp(link: Link, now: number): Step {
  const { missed, everLive, snapshotTaken } = link;
  const live = { ...enter(link, 'live', now), attempt: 0, lostAt: null, missed: 0, everLive: true, snapshotTaken: false };
  return { link: live, actions: [{ kind: 'caught_up', missed, afterLoss: everLive, snapshotTaken }] };
}

const FACTS: ReadonlySet<Frame['type']> = new Set<Fact['type']>(['alarm', 'order', 'work', 'exercise', 'notice']);
const isFact = (frame: Frame): frame is Fact => FACTS.has(frame.type);
const settledSeq = (frame: Frame): number | null => (isFact(frame) && frame.committed_at != null ? frame.seq : null);

function onFrame(link: Link, frame: Frame, now: number): Step {
  const heard = { ...link, lastFrameAt: now };
  if (frame.type === 'hello') {
    // Numbers of another journal (the data folder was replaced) cannot be resumed.
    if (frame.last_seq < link.since) return load(heard, now);
    const next = { ...enter(heard, 'catching_up', now), target: frame.last_seq, missed: 0 };
    return next.since >= next.target ? caughtUp(next, now) : { link: next, actions: [] };
  }
  if (frame.type === 'snapshot_required') return load(heard, now);
  const seq = settledSeq(frame);
  if (seq === null || seq <= link.since) return { link: heard, actions: [] };
  const next = { ...heard, since: seq, missed: heard.missed + 1 };
  return next.phase === 'catching_up' && seq >= next.target ? caughtUp(next, now) : { link: next, actions: [] };
}

function onClosed(link: Link, code: number, now: number, random: number): Step {
  // Our own disconnect while loading also reports a close; the snapshot decides what follows.
  if (link.phase === 'loading' || link.phase === 'waiting' || link.phase === 'ended') return { link, actions: [] };
  if (code === SESSION_ENDED) return { link: enter(link, 'ended', now), actions: [{ kind: 'login' }] };
  if (code === SEQ_FUTURE) return load({ ...link, lostAt: link.lostAt ?? now }, now);
  const step = wait(link, now, random);
  // A browser does not tell why a handshake was refused: 401 looks like a dead server.
  return link.phase === 'connecting' ? { link: step.link, actions: [{ kind: 'probe_session' }] } : step;
}

function onTick(link: Link, now: number, random: number): Step {
  if (link.phase === 'waiting' && now >= link.retryAt) return link.since > 0 ? connect(link, now) : load(link, now);
  const silentSince = link.phase === 'connecting' ? link.phaseAt : Math.max(link.lastFrameAt ?? 0, link.phaseAt);
  const limit = link.phase === 'connecting' ? CONNECT_TIMEOUT_MS : SILENCE_MAX_MS;
  const listening = link.phase === 'connecting' || link.phase === 'catching_up' || link.phase === 'live';
  if (!listening || now - silentSince < limit) return { link, actions: [] };
  const step = wait(link, now, random);
  return { link: step.link, actions: [{ kind: 'disconnect' }] };
}

/** Total: every pair of phase and event has an answer. */
export function stepLink(link: Link, event: LinkEvent, now: number): Step {
  switch (event.kind) {
    case 'start':
      return load(link, now);
    case 'snapshot':
      return link.phase === 'loading' ? connect({ ...link, since: event.seq }, now) : { link, actions: [] };
    case 'snapshot_failed':
      return link.phase === 'loading' ? wait({ ...link, since: 0 }, now, 0.5) : { link, actions: [] };
    case 'frame':
      return onFrame(link, event.frame, now);
    case 'closed':
      return onClosed(link, event.code, now, event.random);
    case 'tick':
      return onTick(link, now, event.random);
  }
}

/** Whether the frame of the page must show that what is seen may be old. */
export function isLost(link: Link, now: number): boolean {
  if (link.phase === 'live') return now - (link.lastFrameAt ?? link.phaseAt) > SILENCE_MAX_MS;
  return link.everLive && link.lostAt !== null && now - link.lostAt > 1_000;
}
