//! One commit: make it durable, tell, write the tables, answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use engine::{Fact, FactBody};
use model::Time;
use protocol::{Names, encode_fact};
use response::WorkSettings;
use runtime::unix_now;
use store::{AuditNote, Commit, FactRow, StoreError};

use super::Writer;
use crate::desk::Batch;
use crate::submission::{Failure, Told};

/// The tables get facts within this time after they were told, several commits at once: on two cores that work would
/// otherwise hold up those who carry them to the officer. Whoever reads lists asks for it at once.
const FACTS_LAG: Duration = Duration::from_millis(20);
/// The same for readings, which only the historian waits for.
const READINGS_LAG: Duration = Duration::from_millis(200);

impl Writer {
    /// Makes the batch durable, then tells everybody.
    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        let (directory, gateways, settings) = {
            let mut desk = self.shared.desk.lock();
            std::mem::swap(&mut desk.batch, &mut self.batch);
            // Taken under the lock that cuts the batch: the state after exactly these inputs.
            if self.snapshot_is_due() {
                self.state = Some((desk.engine.rules().revision, desk.engine.snapshot()));
            }
            (desk.directory.clone(), desk.gateways.clone(), desk.engine.book().settings().clone())
        };
        if self.batch.is_empty() && self.batch.marks.is_empty() {
            return Ok(());
        }
        self.texts.clear();
        let names = Names { directory: &directory, gateways: &gateways, settings: &settings };
        self.texts.extend(self.batch.facts.iter().map(|f| encode_fact(f, names)));
        drop(gateways);
        self.announce();
        let started = Instant::now();
        self.shared.committing_since.store(unix_now(), Ordering::Release);
        let result = self.write(&settings);
        self.shared.committing_since.store(0, Ordering::Release);
        self.shared.in_flight.lock().clear();
        let durable = result?;
        self.publish(durable.at(), &settings);
        self.shared.counted.commit_us.set(started.elapsed().as_micros() as f64);
        for (mark, to) in self.batch.marks.drain(..) {
            mark.advance(to);
        }
        self.owe();
        if matches!(durable, Durable::Committed(_)) {
            self.settled();
        } else if !(self.batch.replies.is_empty() && self.batch.activated.is_empty()) {
            // An answer comes when the tables have what it is about.
            self.settle()?;
        }
        self.answer();
        Ok(())
    }

    /// Tells everybody who looks, before anything else is done.
    fn publish(&self, committed_at: Time, settings: &Arc<WorkSettings>) {
        let (facts, texts) = (&self.batch.facts, &self.texts);
        if let Some(newest) = facts.last() {
            self.shared.lag.tell(newest.seq);
            (self.shared.outputs.settled)(&Told { facts, texts, settings, committed_at });
        }
    }

    /// Notes by when the tables should have this commit, and keeps its readings for the historian until then: it reads
    /// back from the tables what it missed.
    fn owe(&mut self) {
        let lag = if self.batch.facts.is_empty() { READINGS_LAG } else { FACTS_LAG };
        let at = Instant::now() + lag;
        self.settle_at = Some(self.settle_at.map_or(at, |owed| owed.min(at)));
        if !self.batch.readings.is_empty() {
            let count = self.batch.readings.len() as u64;
            self.shared.counted.inputs.add(count);
            self.readings_since_snapshot += count;
            self.owed.push((self.journal.last_input_seq(), std::mem::take(&mut self.batch.readings)));
        }
    }

    /// Brings the tables up to date if that is due, or if somebody is about to read them.
    pub(super) fn settle_if_due(&mut self) -> Result<(), StoreError> {
        let due = self.settle_at.is_some_and(|at| at <= Instant::now() || self.shared.lag.is_asked());
        if due && self.shared.failed.lock().is_none() { self.settle() } else { Ok(()) }
    }

    /// The tables get what is durable in the redo log. It waits for no sync, but the relief watches it like a commit: a
    /// disk that is full of other people's writes may hold up any write.
    pub(super) fn settle(&mut self) -> Result<(), StoreError> {
        self.shared.committing_since.store(unix_now(), Ordering::Release);
        let result = self.journal.settle();
        self.shared.committing_since.store(0, Ordering::Release);
        match result {
            Ok(()) => self.settled(),
            // They are durable and told: they must not be told again as provisional.
            Err(_) => self.texts.clear(),
        }
        result
    }

    /// The tables have everything.
    fn settled(&mut self) {
        self.settle_at = None;
        self.shared.lag.settled(self.journal.last_fact_seq());
        for (seq, readings) in self.owed.drain(..) {
            (self.shared.outputs.readings)(seq, readings);
        }
    }

    /// Lets the relief see which alarms are under way.
    fn announce(&self) {
        if self.batch.facts.is_empty() {
            return;
        }
        let mut in_flight = self.shared.in_flight.lock();
        for (fact, text) in self.batch.facts.iter().zip(&self.texts) {
            if matches!(fact.body, FactBody::Alarm(_)) {
                in_flight.push((fact.seq, fact.at, text.clone()));
            }
        }
    }

    fn write(&mut self, settings: &WorkSettings) -> Result<Durable, StoreError> {
        if let Some(reason) = &*self.shared.failed.lock() {
            return Err(StoreError::Stopped { at: Time(unix_now()), first: reason.as_str().into() });
        }
        let names = &self.batch.names;
        if !names.is_empty() {
            let tags: Vec<(&str, &str)> = names.tags.iter().map(|(e, t)| (e.as_str(), t.as_str())).collect();
            let conditions: Vec<&str> = names.conditions.iter().map(String::as_str).collect();
            let gateways: Vec<&str> = names.gateways.iter().map(String::as_str).collect();
            self.journal.register(&tags, &conditions, &gateways)?;
        }
        for (change, audit, reply) in self.batch.records.drain(..) {
            let note =
                audit.as_ref().map(|(account, action, subject)| AuditNote { account, action, subject, detail: "" });
            match self.journal.apply(note.as_slice(), change) {
                Ok(_) => reply(Ok(())),
                Err(error @ StoreError::Refused { .. }) => {
                    tracing::error!(error = error.chain(), "a change of records was refused");
                    reply(Err(Failure::Record(error.chain())));
                }
                Err(error) => {
                    reply(Err(Failure::Journal(error.chain())));
                    return Err(error);
                }
            }
        }
        let rows = rows(&self.batch, &self.texts, settings);
        let commit = Commit { inputs: &self.batch.inputs, facts: &rows };
        match self.journal.secure(&commit)? {
            Some(at) => {
                if !rows.is_empty() {
                    self.shared.counted.sync_us.observe(self.journal.synced_in_us());
                }
                Ok(Durable::Secured(at))
            }
            None => self.journal.commit(&commit).map(Durable::Committed),
        }
    }

    /// People who wait.
    fn answer(&mut self) {
        let batch = &mut self.batch;
        for (reply, outcome) in batch.replies.drain(..) {
            reply(Ok(outcome));
        }
        for (reply, revision) in batch.activated.drain(..) {
            reply(Ok(revision));
        }
        self.shared.counted.commits.add(1);
        self.shared.counted.facts.add(batch.facts.len() as u64);
        batch.facts.clear();
        batch.inputs.clear();
        batch.names = Default::default();
        batch.since = None;
    }

    /// The journal failed: nothing is acknowledged any more, but alarms are still told, marked provisional.
    pub(super) fn fail(&mut self, error: &StoreError) {
        let reason = error.chain();
        if self.shared.failed.lock().replace(reason.clone()).is_none() {
            tracing::error!(error = reason, "the journal failed; nothing is acknowledged from here on");
            (self.shared.outputs.failed)(error);
        }
        let alarms = self.batch.facts.iter().zip(&self.texts).filter(|(f, _)| matches!(f.body, FactBody::Alarm(_)));
        let frames: Vec<(u64, Arc<str>)> = alarms.map(|(f, text)| (f.seq, text.clone())).collect();
        if !frames.is_empty() {
            self.shared.counted.provisional.add(frames.len() as u64);
            (self.shared.outputs.provisional)(&frames);
        }
        let batch = std::mem::take(&mut self.batch);
        for (mark, _) in batch.marks {
            mark.fail();
        }
        for (reply, _) in batch.replies {
            reply(Err(Failure::Journal(reason.clone())));
        }
        for (reply, _) in batch.activated {
            reply(Err(Failure::Journal(reason.clone())));
        }
        for (_, _, reply) in batch.records {
            reply(Err(Failure::Journal(reason.clone())));
        }
    }
}

/// How far a commit is.
enum Durable {
    /// In the redo log; the tables still wait for it.
    Secured(Time),
    /// In the tables.
    Committed(Time),
}

impl Durable {
    fn at(&self) -> Time {
        match self {
            Self::Secured(at) | Self::Committed(at) => *at,
        }
    }
}

fn rows<'a>(batch: &'a Batch, texts: &'a [Arc<str>], settings: &'a WorkSettings) -> Vec<FactRow<'a>> {
    let row = |(fact, text): (&'a Fact, &'a Arc<str>)| {
        let outbox_topic = response::Told::of(fact).real().and_then(outbox);
        FactRow { outbox_topic, ..FactRow::of(fact, text, settings) }
    };
    batch.facts.iter().zip(texts).map(row).collect()
}

/// Warnings of priority I to IV go to sirens and gateways that subscribe to `fenghuo/out/`: what is real, by its type.
fn outbox(fact: response::Real<&Fact>) -> Option<&'static str> {
    let warns = matches!(&fact.get().body, FactBody::Alarm(t) if t.alarm.priority != model::Priority::Diagnostic);
    warns.then_some("fenghuo/out/alarms")
}
