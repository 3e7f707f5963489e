//! Who is connected, and what is remembered of those who are not. Records are written by one task, newest last;
//! a CONNECT that wants a session is answered only when its record is durable.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use model::Time;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::access::{LoadSession, SaveSession, SessionRecord};
use super::outgoing::{Close, Inbox};

/// Longest wait for the old connection of a client id, and for a record to be durable.
const HANDOVER_MAX: Duration = Duration::from_secs(5);
/// Wait after a save that failed.
const SAVE_RETRY: Duration = Duration::from_secs(1);

/// Shared by all connections of a door.
pub(super) struct Book {
    load: LoadSession,
    save: SaveSession,
    state: Mutex<State>,
    dirty: Notify,
    saved: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    live: HashMap<Arc<str>, Live>,
    pending: HashMap<Arc<str>, Option<SessionRecord>>,
    /// What the store holds, as far as this process has seen: unchanged records are not written again.
    known: HashMap<Arc<str>, SessionRecord>,
    generation: u64,
}

#[derive(Clone)]
struct Live {
    inbox: Arc<Inbox>,
    device: Arc<str>,
}

impl Book {
    pub(super) fn new(load: LoadSession, save: SaveSession) -> Self {
        let (saved, _) = watch::channel(0);
        Self { load, save, state: Mutex::default(), dirty: Notify::new(), saved }
    }

    /// Who owns a client id: the one connected, else the one remembered. Blocking (reads the store).
    pub(super) fn owner(&self, client_id: &str) -> Option<String> {
        if let Some(live) = self.state.lock().live.get(client_id) {
            return Some(live.device.to_string());
        }
        self.record(client_id).map(|record| record.device)
    }

    /// The record of a client id. Blocking.
    pub(super) fn record(&self, client_id: &str) -> Option<SessionRecord> {
        {
            let state = self.state.lock();
            if let Some(waiting) = state.pending.get(client_id) {
                return waiting.clone();
            }
            if let Some(known) = state.known.get(client_id) {
                return Some(known.clone());
            }
        }
        let record = (self.load)(client_id)?;
        self.state.lock().known.insert(client_id.into(), record.clone());
        Some(record)
    }

    /// Takes a client id over: the old connection is closed after its committed acknowledgements.
    pub(super) async fn enter(&self, client_id: &Arc<str>, device: &Arc<str>, inbox: &Arc<Inbox>) -> bool {
        let live = Live { inbox: inbox.clone(), device: device.clone() };
        let old = self.state.lock().live.insert(client_id.clone(), live);
        let Some(old) = old else { return true };
        old.inbox.close(Close::TakenOver);
        tokio::time::timeout(HANDOVER_MAX, old.inbox.departed()).await.is_ok()
    }

    /// A connection has ended.
    pub(super) fn leave(&self, client_id: &str, inbox: &Arc<Inbox>) {
        let mut state = self.state.lock();
        if state.live.get(client_id).is_some_and(|live| Arc::ptr_eq(&live.inbox, inbox)) {
            state.live.remove(client_id);
        }
    }

    /// Remembers or (none) forgets. Returns the generation to wait for; 0 if nothing changed.
    pub(super) fn note(&self, client_id: &Arc<str>, record: Option<SessionRecord>) -> u64 {
        let mut state = self.state.lock();
        if state.known.get(client_id) == record.as_ref() && !state.pending.contains_key(client_id) {
            return 0;
        }
        match &record {
            Some(record) => state.known.insert(client_id.clone(), record.clone()),
            None => state.known.remove(client_id),
        };
        state.pending.insert(client_id.clone(), record);
        state.generation += 1;
        let generation = state.generation;
        drop(state);
        self.dirty.notify_one();
        generation
    }

    /// Waits until a generation is durable; false if that takes too long.
    pub(super) async fn durable(&self, generation: u64) -> bool {
        let mut saved = self.saved.subscribe();
        let wait = saved.wait_for(|done| *done >= generation);
        tokio::time::timeout(HANDOVER_MAX, wait).await.is_ok_and(|r| r.is_ok())
    }

    /// The one writer. Runs until `stop`, then writes what is left.
    pub(super) async fn write(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let stopping = tokio::select! {
                biased;
                () = self.dirty.notified() => false,
                () = stop.cancelled() => true,
            };
            if !self.flush().await && !stopping {
                tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep(SAVE_RETRY) => self.dirty.notify_one() }
            }
            if stopping {
                return;
            }
        }
    }

    async fn flush(self: &Arc<Self>) -> bool {
        let (work, generation) = {
            let mut state = self.state.lock();
            (std::mem::take(&mut state.pending), state.generation)
        };
        let save = self.save.clone();
        let written = tokio::task::spawn_blocking(move || {
            let all = work.into_iter();
            all.filter(|(id, record)| !save(id, record.as_ref())).collect::<Vec<_>>()
        });
        let failed = written.await.unwrap_or_default();
        if failed.is_empty() {
            self.saved.send_replace(generation);
            self.forget_expired(Time(runtime::unix_now()));
            return true;
        }
        tracing::warn!(count = failed.len(), "session records could not be saved; will try again");
        let mut state = self.state.lock();
        for (id, record) in failed {
            state.pending.entry(id).or_insert(record);
        }
        false
    }

    /// Keeps memory to sessions that can still be asked for.
    fn forget_expired(&self, now: Time) {
        let mut state = self.state.lock();
        let live: HashSet<Arc<str>> = state.live.keys().cloned().collect();
        state.known.retain(|id, record| live.contains(id) || !record.is_expired(now));
    }
}
