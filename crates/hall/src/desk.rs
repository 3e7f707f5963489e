//! The engine and what it produced since the last commit. No input or output happens here.

use std::sync::Arc;

use engine::{Effects, Engine, Event, Fact, LinkChange, LinkScope, Outcome};
use model::{Actor, Directory, Reading, Time};
use response::WorkSettings;
use runtime::Watermark;
use store::InputLog;

use crate::submission::{AuditEntry, Failure, RecordChange, Reply, Submission};

/// Everything that must become durable together.
#[derive(Default)]
pub(crate) struct Batch {
    pub inputs: InputLog,
    pub facts: Vec<Fact>,
    pub readings: Vec<Reading>,
    pub marks: Vec<(Arc<Watermark>, u64)>,
    pub replies: Vec<(Reply<Outcome>, Outcome)>,
    pub names: Names,
    pub records: Vec<(RecordChange, Option<AuditEntry>, Reply<()>)>,
    pub activated: Vec<(Reply<u64>, u64)>,
    /// When its oldest part came in.
    pub since: Option<Time>,
}

/// New names, in the order of their numbers.
#[derive(Default)]
pub(crate) struct Names {
    pub tags: Vec<(String, String)>,
    pub conditions: Vec<String>,
    pub gateways: Vec<String>,
}

impl Names {
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty() && self.conditions.is_empty() && self.gateways.is_empty()
    }
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty() && self.names.is_empty() && self.records.is_empty() && self.replies.is_empty()
    }

    /// Somebody sees or waits for it in person: commit at once.
    pub fn is_urgent(&self) -> bool {
        !self.facts.is_empty() || !self.replies.is_empty() || !self.records.is_empty() || !self.activated.is_empty()
    }
}

/// The engine at work.
pub(crate) struct Desk {
    pub engine: Engine,
    pub directory: Arc<Directory>,
    /// Names of gateways in the order of their numbers.
    pub gateways: Arc<Vec<String>>,
    pub batch: Batch,
    effects: Effects,
    now: Time,
    /// What became of readings since the start.
    pub counts: engine::Counts,
}

impl Desk {
    pub fn new(engine: Engine, (directory, gateways): (Arc<Directory>, Vec<String>), now: Time) -> Self {
        Self {
            engine,
            directory,
            gateways: Arc::new(gateways),
            batch: Batch::default(),
            effects: Effects::default(),
            now,
            counts: engine::Counts::default(),
        }
    }

    /// What numbers are called.
    pub fn names(&self) -> protocol::Names<'_> {
        protocol::Names {
            directory: &self.directory,
            gateways: &self.gateways,
            settings: self.engine.book().settings(),
        }
    }

    /// The engine's time never goes back, whatever the clock does.
    fn advance(&mut self, now: Time) -> Time {
        self.now = self.now.max(now);
        self.batch.since.get_or_insert(self.now);
        self.now
    }

    /// Deadlines that have passed. A tick without facts changes nothing and is not recorded.
    pub fn tick(&mut self, now: Time) {
        if self.engine.next_deadline().is_none_or(|at| at > now) {
            return;
        }
        let now = self.advance(now);
        self.step(now, &Event::Tick);
    }

    /// Steps an event and keeps it with its facts.
    fn step(&mut self, now: Time, event: &Event) {
        self.engine.step(now, event, &mut self.effects);
        let tick_without_facts = matches!(event, Event::Tick) && self.effects.facts.is_empty();
        if !tick_without_facts {
            self.record(now, event);
        }
        self.batch.facts.append(&mut self.effects.facts);
    }

    fn record(&mut self, now: Time, event: &Event) {
        // Rules are kept in a file of their own; the journal records only which revision came into force.
        let recorded = match event {
            Event::Rules(rules, actor) => &crate::rules_file::reference(rules, actor),
            other => other,
        };
        if let Err(error) = self.batch.inputs.push(now, recorded) {
            // Events hold only plain data, which always encodes.
            tracing::error!(%error, "an input could not be recorded");
        }
    }

    /// Takes one submission.
    pub fn take(&mut self, now: Time, submission: Submission) {
        let now = self.advance(now);
        match submission {
            Submission::Readings { readings, links, done, .. } => {
                // A gateway comes up before its readings and goes down after them.
                let (up, down): (Vec<_>, Vec<_>) = links.into_iter().partition(|l| l.up);
                up.into_iter().for_each(|l| self.step(now, &Event::Link(l)));
                self.read(now, &readings);
                down.into_iter().for_each(|l| self.step(now, &Event::Link(l)));
                self.batch.marks.extend(done);
                self.keep(readings);
            }
            Submission::Command(command, reply) => self.command(now, Event::Operator(command), reply),
            Submission::Rules { rules, directory, names, work, actor, reply } => {
                self.batch.names.tags.extend(names.0);
                self.batch.names.conditions.extend(names.1);
                let revision = rules.revision;
                self.step(now, &Event::Rules(rules, actor.clone()));
                self.work(now, work, actor);
                self.directory = directory;
                self.batch.activated.push((reply, revision));
            }
            Submission::Gateway(name) => {
                Arc::make_mut(&mut self.gateways).push(name.clone());
                self.batch.names.gateways.push(name);
            }
            Submission::Record(change, audit, reply) => self.batch.records.push((change, audit, reply)),
        }
    }

    fn read(&mut self, now: Time, readings: &[Reading]) {
        for reading in readings {
            self.engine.read(now, reading, &mut self.effects);
            self.batch.inputs.push_reading(now, reading);
        }
        self.batch.facts.append(&mut self.effects.facts);
        add(&mut self.counts, &std::mem::take(&mut self.effects.counts));
    }

    fn keep(&mut self, readings: Vec<Reading>) {
        if self.batch.readings.is_empty() {
            self.batch.readings = readings;
        } else {
            self.batch.readings.extend_from_slice(&readings);
        }
    }

    /// A refused command changed nothing and is answered at once; but deadlines that fell due with it are facts.
    fn command(&mut self, now: Time, event: Event, reply: Reply<Outcome>) {
        self.tick(now);
        self.engine.step(now, &event, &mut self.effects);
        self.batch.facts.append(&mut self.effects.facts);
        match self.effects.reply.take() {
            Some(Ok(outcome)) => {
                if !outcome.repeated {
                    self.record(now, &event);
                }
                self.batch.replies.push((reply, outcome));
            }
            Some(Err(refusal)) => reply(Err(Failure::Refused(refusal))),
            None => reply(Err(Failure::Journal("the engine gave no answer".into()))),
        }
    }

    /// The journal's disk stopped answering, or answers again: people must know, and the record must say so.
    pub fn disk(&mut self, now: Time, up: bool, reason: String) {
        let now = self.advance(now);
        let change = LinkChange { scope: LinkScope::Journal, up, reason };
        self.step(now, &Event::Link(change));
    }

    /// Puts settings of the work systems into force, unless they are; the record then has nothing to say.
    pub fn work(&mut self, now: Time, settings: Arc<WorkSettings>, actor: Actor) {
        if *settings == **self.engine.book().settings() {
            return;
        }
        let now = self.advance(now);
        self.step(now, &Event::Work(settings, actor));
    }

    /// Steps an event of the hall itself: rules in force at the start, the restart.
    pub fn own(&mut self, now: Time, event: &Event) {
        let now = self.advance(now);
        self.step(now, event);
    }
}

fn add(sum: &mut engine::Counts, more: &engine::Counts) {
    sum.live += more.live;
    sum.late += more.late;
    sum.duplicate += more.duplicate;
    sum.replayed += more.replayed;
    sum.ignored += more.ignored;
    sum.exercise += more.exercise;
    sum.exercise_ignored += more.exercise_ignored;
}
