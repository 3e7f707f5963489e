//! The start: snapshot, then every input after it through the same engine, held against the facts the journal has.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use alarm::RuleSet;
use engine::{Effects, Engine, Event, RestoreError, Snapshot};
use model::Time;
use store::{Journal, Location, Recovered, StoreError};

use crate::rules_file::{self, Revisions};

/// What the journal gave back; names have their numbers, the engine stands where it stood.
pub struct Recovery {
    pub(crate) journal: Journal,
    pub(crate) engine: Engine,
    /// What the journal holds.
    pub recovered: Recovered,
    /// Inputs replayed.
    pub replayed: u64,
    pub(crate) folder: PathBuf,
    /// What the files of today say, if that is not in force.
    pub(crate) rules: Option<RuleSet>,
}

/// New names in the order of their numbers: tags, conditions.
pub type NewNames = (Vec<(String, String)>, Vec<String>);

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
    /// Opens the journal and brings the engine to where it stood. `folder` holds snapshots and rule files; `build`
    /// makes the rules of today's files from the numbers that the journal remembers, with the next revision number.
    ///
    /// # Errors
    /// See [`StartError`], or what `build` says; nothing was changed.
    pub fn run<E: From<StartError>>(
        location: &Location,
        folder: &Path,
        build: impl FnOnce(&Recovered, u64) -> Result<RuleSet, E>,
    ) -> Result<Self, E> {
        let (mut journal, recovered) = Journal::open(location).map_err(StartError::from)?;
        let next = next_revision(folder)?;
        let mut revisions = Revisions::new(folder, build(&recovered, next)?);
        journal.preallocate().map_err(StartError::from)?;
        let (after, mut engine) = restore(&mut revisions, &recovered)?;
        let mut replay = Replay { revisions: &mut revisions, effects: Effects::default(), error: None };
        let replayed = journal
            .replay(after, |input| replay.step(&mut engine, input.now, input.event))
            .map_err(StartError::from)?;
        if let Some(error) = replay.error {
            return Err(error.into());
        }
        if engine.last_seq() != recovered.last_fact_seq {
            let diverged = StartError::Diverged { replayed: engine.last_seq(), journal: recovered.last_fact_seq };
            return Err(diverged.into());
        }
        let rules = revisions.different_from(engine.rules(), next);
        Ok(Self { journal, engine, recovered, replayed, folder: folder.to_owned(), rules })
    }

    /// The engine, to look at.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}

fn next_revision(folder: &Path) -> Result<u64, StartError> {
    rules_file::newest(folder).map(|n| n + 1).map_err(|source| StartError::Rules { revision: 0, source })
}

fn restore(revisions: &mut Revisions, recovered: &Recovered) -> Result<(u64, Engine), StartError> {
    let Some((after, bytes)) = &recovered.snapshot else { return Ok((0, Engine::new(Arc::default()))) };
    let (revision, snapshot): (u64, Snapshot) = postcard::from_bytes(bytes).map_err(StartError::Snapshot)?;
    let rules = load(revisions, revision)?;
    Ok((*after, Engine::restore(snapshot, rules)?))
}

fn load(revisions: &mut Revisions, revision: u64) -> Result<Arc<RuleSet>, StartError> {
    revisions.load(revision).map_err(|source| StartError::Rules { revision, source })
}

struct Replay<'a> {
    revisions: &'a mut Revisions,
    effects: Effects,
    error: Option<StartError>,
}

impl Replay<'_> {
    fn step(&mut self, engine: &mut Engine, now: Time, event: Event) {
        if self.error.is_some() {
            return;
        }
        let event = match event {
            Event::Rules(reference, actor) => match load(self.revisions, reference.revision) {
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
