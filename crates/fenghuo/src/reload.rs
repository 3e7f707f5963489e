//! Putting new rules into force while the hall runs: all of the files, or nothing.

use std::sync::Arc;

use config::{Known, Revision, Source, load};
use hall::{Activation, Hall};
use ingest::payload::{Mapping, MappingItem, Mappings};
use model::{Actor, Directory, Quality};
use parking_lot::Mutex;
use protocol::Problem;
use runtime::{LatestTable, Shared};

/// Reads the texts of the configuration again.
pub type ReadSource = Arc<dyn Fn() -> Result<Source, Vec<config::Problem>> + Send + Sync>;

/// What a reload needs.
pub struct Reload {
    pub source: ReadSource,
    pub known: Mutex<Known>,
    pub directory: Arc<Shared<Directory>>,
    pub latest: Arc<Shared<LatestTable>>,
    pub mappings: Arc<Shared<Mappings>>,
}

impl Reload {
    /// Reads, checks and activates; answers the new revision.
    ///
    /// # Errors
    /// `RULES_INVALID` with the first problem and how many there are; the old rules stay in force.
    pub fn run(&self, hall: &Hall, actor: Actor) -> Result<u64, Problem> {
        // One reload at a time: numbers are given in order.
        let mut known = self.known.lock();
        let loaded = (self.source)().and_then(|s| load(&s)).map_err(|p| invalid(&p))?;
        let number = hall.next_revision().map_err(|e| failed(&e))?;
        let revision = Revision::build(&loaded, &known, number).map_err(|p| invalid(&p))?;
        let mappings = mappings(&loaded)?;
        self.grow(revision.directory.tags().len());
        let directory = Arc::new(revision.directory);
        let activation = Activation {
            rules: revision.rules,
            directory: directory.clone(),
            names: new_names(&known, &revision.known),
            work: Arc::new(loaded.work.settings),
            actor,
        };
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let reply = Box::new(move |r| {
            let _ = tell.send(r);
        });
        hall.activate(activation, reply).map_err(|e| failed(&e))?;
        let number = told.recv().map_err(|_| Problem::new("STOPPING", ""))?.map_err(crate::records::problem)?;
        // The engine knows the new tags before the doors accept their readings.
        *known = revision.known;
        self.directory.store(directory);
        self.mappings.store(Arc::new(mappings));
        Ok(number)
    }

    fn grow(&self, len: usize) {
        let old = self.latest.load();
        if old.len() >= len {
            return;
        }
        let table = LatestTable::new(len);
        for i in 0..old.len() as u32 {
            if let Some(row) = old.get(i) {
                table.set(i, row.value, row.source_time, row.quality);
            }
        }
        self.latest.store(Arc::new(table));
    }
}

/// Names in `now` that `before` lacks.
pub fn new_names(before: &Known, now: &Known) -> (Vec<(String, String)>, Vec<String>) {
    (now.tags[before.tags.len()..].to_vec(), now.conditions[before.conditions.len()..].to_vec())
}

fn invalid(problems: &[config::Problem]) -> Problem {
    let Some(first) = problems.first() else { return Problem::new("RULES_INVALID", "") };
    let place = format!("{}:{}", first.file, first.line);
    let more = problems.len() - 1;
    Problem::new("RULES_INVALID", &place).detail(
        &format!("{place} {} {}（另有 {more} 处）", first.code, first.message_zh),
        &format!("{place} {} {} (and {more} more)", first.code, first.message_en),
    )
}

fn failed(error: &hall::StartError) -> Problem {
    tracing::error!(%error, "rules could not be put into force");
    Problem::new("JOURNAL_FAILED", "")
}

/// The doors' mappings of a configuration.
///
/// # Errors
/// `RULES_INVALID` naming the mapping.
pub fn mappings(loaded: &config::Loaded) -> Result<Mappings, Problem> {
    let all = loaded.sites.iter().flat_map(|s| &s.mappings).map(mapping).collect();
    Mappings::new(all).map_err(|e| {
        let text: Vec<String> = e.iter().map(ToString::to_string).collect();
        Problem::new("RULES_INVALID", "mapping").detail(&text.join("; "), &text.join("; "))
    })
}

fn mapping(m: &config::Mapping) -> Mapping {
    let item = |v: &config::MappedValue| MappingItem {
        pointer: v.pointer.clone(),
        tag: v.tag.clone(),
        unit: v.unit.clone(),
        scale: v.scale,
        offset: 0.0,
        time: String::new(),
        quality: m.quality.clone(),
    };
    Mapping {
        topic: m.topic.clone(),
        enterprise: m.enterprise.clone(),
        time: m.time.clone(),
        seq: String::new(),
        items: m.values.iter().map(item).collect(),
    }
}

/// Fills a table with what the engine knows.
pub fn fill(table: &LatestTable, engine: &engine::Engine) {
    for i in 0..table.len() as u32 {
        if let Some(last) = engine.last(model::TagIndex(i)) {
            let quality: Quality = last.quality;
            table.set(i, last.value, last.source_time.0, quality as u8);
        }
    }
}
