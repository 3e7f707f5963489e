//! The tag directory: names to dense numbers. Numbers are append-only and outlive revisions and restarts.

use std::collections::HashMap;

use crate::{Enterprise, GatewayIndex, Limits, TagIndex};

/// One tag, as the doors and the console need it.
#[derive(Clone, Debug, PartialEq)]
pub struct TagEntry {
    /// Enterprise id.
    pub enterprise: String,
    /// Tag name, unique within the enterprise.
    pub tag: String,
    /// Unit of the site it stands in, or empty.
    pub unit_id: String,
    /// What it measures, in Chinese.
    pub description_zh: String,
    /// What it measures, in English.
    pub description_en: String,
    /// Engineering unit, as sent: `ppm`, `%LEL`, `°C`, `kPa`, empty for a switch.
    pub unit: String,
    /// Instrument span in that unit.
    pub span: Option<(f64, f64)>,
    /// Limits in that unit.
    pub limits: Limits,
    /// Deadband in that unit.
    pub deadband: f64,
    /// On-delay in seconds.
    pub on_delay_s: f64,
    /// Off-delay in seconds.
    pub off_delay_s: f64,
    /// Expected reporting period in seconds, if it has one.
    pub period_s: Option<f64>,
    /// Gone from the site files: its number stays, its readings are parked.
    pub retired: bool,
}

/// All tags ever known, by number and by name. Immutable; a reload makes a new one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Directory {
    /// Counts reloads; a connection's topic cache is valid for one revision.
    pub revision: u64,
    /// Watched enterprises.
    pub enterprises: Vec<Enterprise>,
    tags: Vec<TagEntry>,
    by_name: HashMap<String, HashMap<String, TagIndex>>,
}

impl Directory {
    /// Builds a directory from tags in the order of their numbers.
    pub fn new(revision: u64, enterprises: Vec<Enterprise>, tags: Vec<TagEntry>) -> Self {
        let mut by_name: HashMap<String, HashMap<String, TagIndex>> = HashMap::new();
        for (i, entry) in tags.iter().enumerate() {
            by_name.entry(entry.enterprise.clone()).or_default().insert(entry.tag.clone(), TagIndex(i as u32));
        }
        Self { revision, enterprises, tags, by_name }
    }

    /// The tag of this name, retired ones included.
    pub fn find(&self, enterprise: &str, tag: &str) -> Option<TagIndex> {
        self.by_name.get(enterprise)?.get(tag).copied()
    }

    /// The entry of a number.
    pub fn get(&self, index: TagIndex) -> Option<&TagEntry> {
        self.tags.get(index.0 as usize)
    }

    /// All tags in the order of their numbers.
    pub fn tags(&self) -> &[TagEntry] {
        &self.tags
    }

    /// Whether this enterprise is known.
    pub fn has_enterprise(&self, id: &str) -> bool {
        self.enterprises.iter().any(|e| e.id == id)
    }

    /// Tag names of an enterprise, for "did you mean".
    pub fn names_of(&self, enterprise: &str) -> impl Iterator<Item = &str> {
        self.by_name.get(enterprise).into_iter().flat_map(|m| m.keys().map(String::as_str))
    }
}

/// Gateway names by number; append-only, like tags.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gateways {
    names: Vec<String>,
    by_name: HashMap<String, GatewayIndex>,
}

impl Gateways {
    /// From names in the order of their numbers.
    pub fn new(names: Vec<String>) -> Self {
        let by_name = names.iter().enumerate().map(|(i, n)| (n.clone(), GatewayIndex(i as u32))).collect();
        Self { names, by_name }
    }

    /// The number of a name, if it has one.
    pub fn find(&self, name: &str) -> Option<GatewayIndex> {
        self.by_name.get(name).copied()
    }

    /// The number of a name; gives the next one if it is new (second value true).
    pub fn intern(&mut self, name: &str) -> (GatewayIndex, bool) {
        if let Some(found) = self.find(name) {
            return (found, false);
        }
        let index = GatewayIndex(self.names.len() as u32);
        self.names.push(name.to_owned());
        self.by_name.insert(name.to_owned(), index);
        (index, true)
    }

    /// The name of a number.
    pub fn name(&self, index: GatewayIndex) -> Option<&str> {
        self.names.get(index.0 as usize).map(String::as_str)
    }
}
