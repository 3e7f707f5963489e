//! Rule revisions on disk: one immutable file each, so that a snapshot or a replay finds the rules it ran under.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alarm::RuleSet;
use engine::Event;
use model::Actor;

/// What the journal records of an activation: the revision's number in an otherwise empty rule set.
pub(crate) fn reference(rules: &RuleSet, actor: &Actor) -> Event {
    let reference = RuleSet { revision: rules.revision, ..RuleSet::default() };
    Event::Rules(Arc::new(reference), actor.clone())
}

fn path(folder: &Path, revision: u64) -> PathBuf {
    folder.join(format!("rules-{revision:08}.bin"))
}

/// Writes a revision durably: temporary name, sync, rename, sync of the folder.
///
/// # Errors
/// The operating system's.
pub(crate) fn save(folder: &Path, rules: &RuleSet) -> std::io::Result<()> {
    let bytes = postcard::to_stdvec(rules).map_err(std::io::Error::other)?;
    let temporary = folder.join("rules.tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path(folder, rules.revision))?;
    File::open(folder)?.sync_all()
}

/// Rule revisions as replay needs them. The revision that the files of today say is compared as bytes: if it is the one
/// on disk, as it nearly always is, its texts (shared, a quarter of the memory) serve and nothing is decoded.
pub(crate) struct Revisions {
    folder: PathBuf,
    candidate: RuleSet,
    matched: Option<Arc<RuleSet>>,
}

impl Revisions {
    pub fn new(folder: &Path, candidate: RuleSet) -> Self {
        Self { folder: folder.to_owned(), candidate, matched: None }
    }

    /// Reads a revision; revision 0 is the empty one.
    ///
    /// # Errors
    /// The operating system's, or a file that is not a rule set.
    pub fn load(&mut self, revision: u64) -> std::io::Result<Arc<RuleSet>> {
        if revision == 0 {
            return Ok(Arc::default());
        }
        if let Some(matched) = self.matched.as_ref().filter(|m| m.revision == revision) {
            return Ok(matched.clone());
        }
        let bytes = fs::read(path(&self.folder, revision))?;
        if self.matched.is_none() {
            self.candidate.revision = revision;
            if postcard::to_stdvec(&self.candidate).is_ok_and(|own| own == bytes) {
                let matched = Arc::new(std::mem::take(&mut self.candidate));
                self.matched = Some(matched.clone());
                return Ok(matched);
            }
        }
        postcard::from_bytes(&bytes).map(Arc::new).map_err(std::io::Error::other)
    }

    /// What the files of today say, numbered `next`, if that is not what is in force.
    pub fn different_from(self, in_force: &Arc<RuleSet>, next: u64) -> Option<RuleSet> {
        let wanted = match self.matched {
            Some(matched) if Arc::ptr_eq(&matched, in_force) => return None,
            Some(matched) => matched,
            None => Arc::new(self.candidate),
        };
        let mut wanted = Arc::unwrap_or_clone(engine::complete(&wanted, in_force));
        wanted.revision = in_force.revision;
        if wanted == **in_force {
            return None;
        }
        wanted.revision = next;
        Some(wanted)
    }
}

/// The newest revision's number; 0: none.
///
/// # Errors
/// The operating system's.
pub(crate) fn newest(folder: &Path) -> std::io::Result<u64> {
    let number = |name: &str| name.strip_prefix("rules-")?.strip_suffix(".bin")?.parse().ok();
    let mut newest = 0;
    for entry in fs::read_dir(folder)? {
        newest = newest.max(entry?.file_name().to_str().and_then(number).unwrap_or(0));
    }
    Ok(newest)
}
