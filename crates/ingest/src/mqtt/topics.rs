//! Topic to tag: checked and authorised once, then cached per connection for one version of the site.

use std::collections::HashMap;
use std::sync::Arc;

use model::Directory;
use runtime::Shared;
use rustc_hash::FxBuildHasher;

use super::access::Identity;
use crate::payload::{Mapped, Mappings, Sensor};

/// What a door must know of the site to judge a topic. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Tags.
    pub directory: Arc<Directory>,
    /// Mappings of other shapes.
    pub mappings: Arc<Mappings>,
    /// Grows with every change of either; caches are valid for one version.
    pub version: u64,
}

impl Site {
    /// The site as it is now.
    pub fn load(directory: &Shared<Directory>, mappings: &Shared<Mappings>) -> Self {
        let version = Self::version_of(directory, mappings);
        Self { directory: directory.load(), mappings: mappings.load(), version }
    }

    /// Whether there is a newer one.
    #[inline]
    pub fn is_old(&self, directory: &Shared<Directory>, mappings: &Shared<Mappings>) -> bool {
        self.version != Self::version_of(directory, mappings)
    }

    /// Starts at 1, so that an empty cache is always old.
    fn version_of(directory: &Shared<Directory>, mappings: &Shared<Mappings>) -> u64 {
        1 + directory.version() + mappings.version()
    }
}

/// Where a topic leads.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A tag's own topic.
    Tag(Sensor),
    /// A mapped topic.
    Mapped(Arc<Mapped>),
}

/// A topic seen for the first time.
#[derive(Debug, PartialEq)]
pub(crate) enum Refused {
    /// Not a topic; the byte where it goes wrong.
    Invalid(usize),
    /// Not for this device.
    Foreign,
    /// Allowed, but no such tag.
    Unknown { enterprise: String, tag: String },
}

/// The cache of one connection.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    known: HashMap<Box<[u8]>, Target, FxBuildHasher>,
    version: u64,
}

impl Topics {
    /// Forgets everything if the site has changed.
    #[inline]
    pub(crate) fn refresh(&mut self, version: u64) {
        if self.version != version {
            self.known.clear();
            self.version = version;
        }
    }

    #[inline]
    pub(crate) fn get(&self, topic: &[u8]) -> Option<&Target> {
        self.known.get(topic)
    }

    /// Keeps an answer; a full cache starts again, which only costs time.
    pub(crate) fn put(&mut self, topic: &[u8], target: Target, cache_max: usize) {
        if self.known.len() >= cache_max {
            self.known.clear();
        }
        self.known.insert(topic.into(), target);
    }
}

/// Checks a topic name (MQTT 5, 4.7.3) and finds its target; also gives the enterprise it is about.
pub(crate) fn resolve(
    topic: &[u8],
    topic_max: usize,
    site: &Site,
    identity: &Identity,
) -> Result<(Target, String), Refused> {
    let text = name(topic, topic_max).map_err(Refused::Invalid)?;
    if let Some((enterprise, tag)) = contract(text) {
        if !identity.may_speak_for(enterprise) {
            return Err(Refused::Foreign);
        }
        let directory = &site.directory;
        let found = directory.find(enterprise, tag).and_then(|index| Some((index, directory.get(index)?)));
        return match found {
            Some((index, entry)) if !entry.retired => {
                Ok((Target::Tag(Sensor::new(index, entry)), enterprise.to_owned()))
            }
            _ => Err(Refused::Unknown { enterprise: enterprise.to_owned(), tag: tag.to_owned() }),
        };
    }
    let mapped = site.mappings.resolve(text, &site.directory).ok_or(Refused::Foreign)?;
    if !identity.may_speak_for(&mapped.enterprise) {
        return Err(Refused::Foreign);
    }
    let enterprise = mapped.enterprise.clone();
    Ok((Target::Mapped(Arc::new(mapped)), enterprise))
}

/// `fh/v1/{enterprise}/{tag}`; a tag may contain `/`.
pub(crate) fn contract(topic: &str) -> Option<(&str, &str)> {
    let (enterprise, tag) = topic.strip_prefix("fh/v1/")?.split_once('/')?;
    (!enterprise.is_empty() && !tag.is_empty()).then_some((enterprise, tag))
}

/// A topic name that may be published to, or the byte where it goes wrong.
pub(crate) fn name(topic: &[u8], topic_max: usize) -> Result<&str, usize> {
    if topic.is_empty() || topic.len() > topic_max {
        return Err(topic.len().min(topic_max));
    }
    if let Some(at) = topic.iter().position(|b| matches!(b, b'+' | b'#' | 0)) {
        return Err(at);
    }
    std::str::from_utf8(topic).map_err(|error| error.valid_up_to())
}
