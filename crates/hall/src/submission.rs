//! What comes in and what goes out, as plain data and functions that the binary connects.

use std::sync::Arc;

use alarm::RuleSet;
use engine::{Command, Fact, LinkChange, Outcome, Refusal};
use model::{Actor, Directory, Reading, Time};
use response::WorkSettings;
use runtime::Watermark;
use store::{Database, SqlError, StoreError};

/// The answer to a command, given when it is durable.
pub type Reply<T> = Box<dyn FnOnce(Result<T, Failure>) + Send>;

/// Why something submitted was not done.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The engine refused it; nothing changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A change of records was refused for what it says; the journal goes on.
    #[error("the change was refused: {0}")]
    Record(String),
    /// The journal cannot be written: nothing is acknowledged any more.
    #[error("the journal failed: {0}")]
    Journal(String),
}

/// A change of records (accounts, sessions, MQTT sessions) on the journal's one connection.
pub type RecordChange = Box<dyn FnOnce(&mut Database) -> Result<(), SqlError> + Send>;

/// Who did what to what, for the audit: account, action, subject.
pub type AuditEntry = (String, String, String);

/// What the hall takes.
pub enum Submission {
    /// Readings and link changes from a door.
    Readings {
        /// Readings, in the order they came.
        readings: Vec<Reading>,
        /// Link changes: ups come before the readings, downs after.
        links: Vec<LinkChange>,
        /// Advanced to this number when all of it is durable.
        done: Option<(Arc<Watermark>, u64)>,
        /// A value is beyond a limit: taken in at once, without waiting for more to come.
        urgent: bool,
    },
    /// Somebody did something.
    Command(Command, Reply<Outcome>),
    /// New names, rules, directory and settings of the work systems come into force.
    Rules {
        /// The rules.
        rules: Arc<RuleSet>,
        /// The tags that belong to them.
        directory: Arc<Directory>,
        /// Names that are new, in the order of their numbers: tags, then conditions.
        names: (Vec<(String, String)>, Vec<String>),
        /// Settings of the work systems; those in force already say nothing.
        work: Arc<WorkSettings>,
        /// Who.
        actor: Actor,
        /// Answered with the revision.
        reply: Reply<u64>,
    },
    /// A gateway got the next number.
    Gateway(String),
    /// A change of records, with its audit entry if it needs one.
    Record(RecordChange, Option<AuditEntry>, Reply<()>),
}

impl Submission {
    /// For the bound of the intake.
    pub fn weight(&self) -> usize {
        match self {
            Self::Readings { readings, .. } => readings.len().max(1),
            _ => 1,
        }
    }

    /// Whether it must not wait for others.
    pub fn is_urgent(&self) -> bool {
        match self {
            Self::Readings { urgent, .. } => *urgent,
            Self::Command(..) | Self::Rules { .. } | Self::Record(..) => true,
            Self::Gateway(_) => false,
        }
    }
}

/// Facts that are durable, with their frame texts.
pub struct Told<'a> {
    /// Facts.
    pub facts: &'a [Fact],
    /// Their frames, without commit time.
    pub texts: &'a [Arc<str>],
    /// Settings of the work systems in force.
    pub settings: &'a Arc<WorkSettings>,
    /// When they were committed.
    pub committed_at: Time,
}

/// A function called on the hall's threads.
pub type Output<T> = Box<dyn Fn(&T) + Send + Sync>;

/// Where things go. Called on the hall's threads; must not block.
pub struct Outputs {
    /// Durable facts, in order.
    pub settled: Box<dyn Fn(&Told<'_>) + Send + Sync>,
    /// Alarms that could not wait for the disk: stream number and frame text.
    pub provisional: Output<[(u64, Arc<str>)]>,
    /// Durable readings, for the historian, with the number of their batch.
    pub readings: Box<dyn Fn(u64, Vec<Reading>) + Send + Sync>,
    /// The newest value of each reading.
    pub latest: Output<[Reading]>,
    /// The journal failed, for good.
    pub failed: Output<StoreError>,
}
