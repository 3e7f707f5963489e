//! Acknowledgements that wait for their commit, in the order of arrival: the only path by which a PUBLISH is answered.

use std::collections::VecDeque;

use rustc_hash::FxHashSet;

use super::wire::{Version, ack};

/// The queue of one connection.
#[derive(Debug, Default)]
pub(super) struct Acks {
    waiting: VecDeque<Ack>,
    texts: VecDeque<(u64, Box<str>)>,
    /// Answered so far; `answered + waiting.len()` is the running count the watermark speaks of.
    answered: u64,
    /// QoS 2 ids received on this connection and not yet committed.
    fresh: FxHashSet<u16>,
    /// QoS 2 ids committed, kept until PUBREL.
    kept: FxHashSet<u16>,
}

#[derive(Clone, Copy, Debug)]
struct Ack {
    id: u16,
    qos: u8,
    reason: u8,
}

impl Acks {
    /// With the QoS 2 ids of an earlier connection.
    pub(super) fn resume(kept: &[u16]) -> Self {
        Self { kept: kept.iter().copied().collect(), ..Self::default() }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Everything that counts against the receive maximum.
    pub(super) fn in_flight(&self) -> usize {
        self.waiting.len() + self.kept.len()
    }

    pub(super) fn queued(&self) -> u64 {
        self.answered + self.waiting.len() as u64
    }

    /// Whether a QoS 2 PUBLISH was seen before: its readings must not be taken twice.
    pub(super) fn is_repeat(&self, id: u16) -> bool {
        self.kept.contains(&id) || self.fresh.contains(&id)
    }

    pub(super) fn push(&mut self, id: u16, qos: u8, reason: u8, text: &str) {
        if !text.is_empty() {
            self.texts.push_back((self.queued(), text.into()));
        }
        if qos == 2 && reason < 0x80 {
            self.fresh.insert(id);
        }
        self.waiting.push_back(Ack { id, qos, reason });
    }

    /// Answers everything up to the running count `upto`. Returns whether the kept ids changed.
    pub(super) fn commit(&mut self, upto: u64, version: Version, out: &mut Vec<u8>) -> bool {
        let mut changed = false;
        while self.answered < upto {
            let Some(next) = self.waiting.pop_front() else { break };
            let with_text = self.texts.front().is_some_and(|(at, _)| *at == self.answered);
            let text = if with_text { self.texts.pop_front().map(|(_, text)| text) } else { None };
            self.answered += 1;
            let kind = if next.qos == 2 { 0x50 } else { 0x40 };
            if next.qos == 2 && self.fresh.remove(&next.id) {
                changed |= self.kept.insert(next.id);
            }
            ack(out, kind, next.id, version, (next.reason, text.as_deref().unwrap_or("")));
        }
        if self.waiting.is_empty() && self.waiting.capacity() > 256 {
            self.waiting = VecDeque::new();
        }
        changed
    }

    /// PUBREL: forgets the id and answers. Returns whether it was kept.
    pub(super) fn release(&mut self, id: u16, version: Version, out: &mut Vec<u8>) -> bool {
        let known = self.kept.remove(&id);
        let reason = if known { 0 } else { 0x92 };
        ack(out, 0x70, id, version, (reason, ""));
        known
    }

    /// The ids to remember.
    pub(super) fn kept(&self) -> Vec<u16> {
        let mut ids: Vec<_> = self.kept.iter().copied().collect();
        ids.sort_unstable();
        ids
    }
}
