//! The start: snapshot, then every input after it through the same engine, held against the facts the journal has.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use alarm::RuleSet;
use engine::{Effects, Engine, Event, RestoreError, Snapshot};
use model::Time;
use store::{Journal, Location, Recovered, StoreError};

use crate::rules_file;

/// What the journal gave back; names have their numbers, the engine stands where it stood.
pub struct Recovery {
    pub(crate) journal: Journal,
    pub(crate) engine: Engine,
    /// What the journal holds.
    pub recovered: Recovered,
    /// Inputs replayed.
    pub replayed: u64,
    pub(crate) folder: PathBuf,
}

/// What comes into force as the hall opens.
pub struct Start {
    /// Rules; their revision number is set here if they differ from those in force.
    pub rules: RuleSet,
    /// New names in the order of their numbers: tags, conditions.
    pub names: (Vec<(String, String)>, Vec<String>),
}

/// Why the hall does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A snapshot does not fit.
    #[error("the snapshot cannot be used")]
    Restore(#[from] RestoreError),
    /// A rules file.
    #[error("rule revision {revision} cannot be read or written")]
    Rules {
        /// Which.
        revision: u64,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A snapshot is not one.
    #[error("the snapshot is damaged: {0}")]
    Snapshot(postcard::Error),
    /// Replay came to other facts than the journal holds: wrong program or damaged data. Nothing was changed.
    #[error("replay reached fact {replayed}, the journal holds {journal}: this program must not go on with this data")]
    Diverged {
        /// What replay reached.
        replayed: u64,
        /// What the journal holds.
        journal: u64,
    },
}

impl StartError {
    /// Exit code of the program (sysexits.h).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Store(e) => e.exit_code(),
            _ => 65,
        }
    }
}

impl Recovery {
    /// Opens the journal and brings the engine to where it stood. `folder` holds snapshots and rule files.
    ///
    /// # Errors
    /// See [`StartError`]; nothing was changed.
    pub fn run(location: &Location, folder: &Path) -> Result<Self, StartError> {
        let (mut journal, recovered) = Journal::open(location)?;
        journal.preallocate()?;
        let (after, mut engine) = restore(folder, &recovered)?;
        let mut replay = Replay { folder, effects: Effects::default(), error: None };
        let replayed = journal.replay(after, |input| replay.step(&mut engine, input.now, input.event))?;
        if let Some(error) = replay.error {
            return Err(error);
        }
        if engine.last_seq() != recovered.last_fact_seq {
            return Err(StartError::Diverged { replayed: engine.last_seq(), journal: recovered.last_fact_seq });
        }
        Ok(Self { journal, engine, recovered, replayed, folder: folder.to_owned() })
    }

    /// The engine, to look at.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The number that new rules would get.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn next_revision(&self) -> Result<u64, StartError> {
        rules_file::newest(&self.folder).map(|n| n + 1).map_err(|source| StartError::Rules { revision: 0, source })
    }
}

fn restore(folder: &Path, recovered: &Recovered) -> Result<(u64, Engine), StartError> {
    let Some((after, bytes)) = &recovered.snapshot else { return Ok((0, Engine::new(Arc::default()))) };
    let (revision, snapshot): (u64, Snapshot) = postcard::from_bytes(bytes).map_err(StartError::Snapshot)?;
    let rules = load(folder, revision)?;
    Ok((*after, Engine::restore(snapshot, rules)?))
}

fn load(folder: &Path, revision: u64) -> Result<Arc<RuleSet>, StartError> {
    rules_file::load(folder, revision).map(Arc::new).map_err(|source| StartError::Rules { revision, source })
}

struct Replay<'a> {
    folder: &'a Path,
    effects: Effects,
    error: Option<StartError>,
}

impl Replay<'_> {
    fn step(&mut self, engine: &mut Engine, now: Time, event: Event) {
        if self.error.is_some() {
            return;
        }
        let event = match event {
            Event::Rules(reference, actor) => match load(self.folder, reference.revision) {
                Ok(rules) => Event::Rules(rules, actor),
                Err(error) => {
                    self.error = Some(error);
                    return;
                }
            },
            other => other,
        };
        engine.step(now, &event, &mut self.effects);
        self.effects.facts.clear();
        self.effects.reply = None;
    }
}
