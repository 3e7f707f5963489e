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

/// Reads a revision; revision 0 is the empty one.
///
/// # Errors
/// The operating system's, or a file that is not a rule set.
pub(crate) fn load(folder: &Path, revision: u64) -> std::io::Result<RuleSet> {
    if revision == 0 {
        return Ok(RuleSet::default());
    }
    let bytes = fs::read(path(folder, revision))?;
    postcard::from_bytes(&bytes).map_err(std::io::Error::other)
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
