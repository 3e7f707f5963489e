//! Other shapes by mapping: a topic pattern with captures, and JSON pointers to the values.

use std::sync::Arc;

use model::{Directory, Reading};
use serde::{Deserialize, Serialize};

use super::json::{self, Node};
use super::strict::{Flags, Parts};
use super::{Arrival, Outcome, Sensor};
use crate::{Code, Refusal};

/// One mapping of a site file. Plain data; [`Mappings::new`] checks it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Topic with captures that fill one level each: `gw/{enterprise}/{device}/data`.
    pub topic: String,
    /// Enterprise, if the topic has no `{enterprise}`; may use captures.
    #[serde(default)]
    pub enterprise: String,
    /// Pointer to the source time, for items without their own.
    #[serde(default)]
    pub time: String,
    /// Pointer to the device's counter.
    #[serde(default)]
    pub seq: String,
    /// The values.
    pub items: Vec<MappingItem>,
}

/// One value of a mapped payload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingItem {
    /// RFC 6901 pointer to the value: `/data/nh3`.
    pub pointer: String,
    /// Tag name; may use captures: `{device}-nh3`.
    pub tag: String,
    /// Unit after scaling; empty: not checked.
    #[serde(default)]
    pub unit: String,
    /// The value is multiplied by this.
    #[serde(default = "one")]
    pub scale: f64,
    /// Then this is added.
    #[serde(default)]
    pub offset: f64,
    /// Pointer to this value's own source time.
    #[serde(default)]
    pub time: String,
    /// Pointer to this value's quality word.
    #[serde(default)]
    pub quality: String,
}

fn one() -> f64 {
    1.0
}

/// Why a mapping cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Neither a capture nor a key gives the enterprise.
    #[error("mapping {topic}: give `enterprise` or put {{enterprise}} into the topic")]
    NoEnterprise {
        /// The pattern.
        topic: String,
    },
    /// A pattern that can never match.
    #[error("mapping {topic}: `+`, `#` and `fh/v1` cannot be used in a topic pattern")]
    Topic {
        /// The pattern.
        topic: String,
    },
    /// Too few or too many values.
    #[error("mapping {topic}: has {len} items, must have 1 to 1000")]
    Items {
        /// The pattern.
        topic: String,
        /// How many it has.
        len: usize,
    },
    /// A pointer that is not RFC 6901.
    #[error("mapping {topic}: pointer `{pointer}` must be empty or begin with `/`")]
    Pointer {
        /// The pattern.
        topic: String,
        /// The pointer.
        pointer: String,
    },
    /// A scale that loses the value.
    #[error("mapping {topic}: scale and offset of `{pointer}` must be finite and the scale not 0")]
    Scale {
        /// The pattern.
        topic: String,
        /// The pointer.
        pointer: String,
    },
}

/// All mappings of the site files, checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mappings {
    all: Vec<Arc<Mapping>>,
}

impl Mappings {
    /// Checks all mappings; the first that matches a topic is used.
    ///
    /// # Errors
    /// Every problem found.
    pub fn new(all: Vec<Mapping>) -> Result<Self, Vec<MappingError>> {
        let problems: Vec<_> = all.iter().flat_map(problems).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self { all: all.into_iter().map(Arc::new).collect() })
    }

    /// The mapping of a topic, with tags resolved; none if no pattern matches.
    pub fn resolve(&self, topic: &str, directory: &Directory) -> Option<Mapped> {
        self.all.iter().find_map(|mapping| {
            let captures = captures(&mapping.topic, topic)?;
            let pattern = if mapping.enterprise.is_empty() { "{enterprise}" } else { &mapping.enterprise };
            let enterprise = fill(pattern, &captures);
            let tags = mapping.items.iter().map(|item| fill(&item.tag, &captures));
            let targets = tags.map(|tag| target(directory, &enterprise, tag)).collect();
            Some(Mapped { mapping: mapping.clone(), enterprise, targets })
        })
    }
}

fn target(directory: &Directory, enterprise: &str, name: String) -> Target {
    let found = directory.find(enterprise, &name).and_then(|tag| Some((tag, directory.get(tag)?)));
    match found {
        Some((tag, entry)) if !entry.retired => {
            Target { name, sensor: Some(Sensor::new(tag, entry)), unit: entry.unit.clone() }
        }
        _ => Target { name, sensor: None, unit: String::new() },
    }
}

fn problems(mapping: &Mapping) -> Vec<MappingError> {
    let topic = || mapping.topic.clone();
    let mut found = Vec::new();
    if mapping.topic.is_empty() || mapping.topic.contains(['+', '#', '\0']) || mapping.topic.starts_with("fh/v1/") {
        found.push(MappingError::Topic { topic: topic() });
    }
    if mapping.enterprise.is_empty() && !mapping.topic.split('/').any(|level| level == "{enterprise}") {
        found.push(MappingError::NoEnterprise { topic: topic() });
    }
    if mapping.items.is_empty() || mapping.items.len() > super::READINGS_MAX {
        found.push(MappingError::Items { topic: topic(), len: mapping.items.len() });
    }
    let pointers = mapping.items.iter().flat_map(|i| [&i.pointer, &i.time, &i.quality]);
    for pointer in pointers.chain([&mapping.time, &mapping.seq]) {
        if !pointer.is_empty() && !pointer.starts_with('/') {
            found.push(MappingError::Pointer { topic: topic(), pointer: pointer.clone() });
        }
    }
    for item in &mapping.items {
        if !item.scale.is_finite() || item.scale == 0.0 || !item.offset.is_finite() {
            found.push(MappingError::Scale { topic: topic(), pointer: item.pointer.clone() });
        }
    }
    found
}

type Captures<'a> = Vec<(&'a str, &'a str)>;

fn captures<'a>(pattern: &'a str, topic: &'a str) -> Option<Captures<'a>> {
    let (mut levels, mut found) = (topic.split('/'), Vec::new());
    for want in pattern.split('/') {
        let level = levels.next()?;
        match want.strip_prefix('{').and_then(|w| w.strip_suffix('}')) {
            Some(name) if !level.is_empty() => found.push((name, level)),
            Some(_) => return None,
            None if want == level => {}
            None => return None,
        }
    }
    levels.next().is_none().then_some(found)
}

fn fill(text: &str, captures: &Captures<'_>) -> String {
    captures.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// A mapping applied to one topic: what a connection caches.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapped {
    mapping: Arc<Mapping>,
    /// The enterprise the topic is about; the door checks that the device may speak for it.
    pub enterprise: String,
    targets: Vec<Target>,
}

#[derive(Clone, Debug, PartialEq)]
struct Target {
    name: String,
    sensor: Option<Sensor>,
    unit: String,
}

impl Mapped {
    /// Reads a payload. Items whose pointer finds nothing are passed over: many gateways send only what changed.
    /// `unknown` hears of tags that are not in the directory, with their value.
    pub fn read(
        &self,
        payload: &[u8],
        arrival: Arrival,
        out: &mut Vec<Reading>,
        unknown: &mut dyn FnMut(&str, Option<f64>),
    ) -> Outcome {
        let document = match json::parse(payload) {
            Ok(document) => document,
            Err(refusal) => return Outcome::refused(*refusal),
        };
        let mut outcome = Outcome::default();
        for (item, target) in self.mapping.items.iter().zip(&self.targets) {
            let Some(node) = document.pointer(&item.pointer) else { continue };
            outcome.offered += 1;
            match self.item((item, target), node, &document, arrival) {
                Ok((reading, notes)) => {
                    outcome.accepted += 1;
                    out.push(reading);
                    notes.into_iter().for_each(|note| outcome.note(note));
                }
                Err(refusal) => {
                    if refusal.code == Code::TagUnknown {
                        unknown(&target.name, number(node));
                    }
                    outcome.note(*refusal);
                }
            }
        }
        if outcome.offered == 0 {
            return Outcome::refused(*json::fault(payload, 0, "has none of the mapped values"));
        }
        outcome
    }

    fn item(
        &self,
        (item, target): (&MappingItem, &Target),
        node: &Node<'_>,
        document: &Node<'_>,
        arrival: Arrival,
    ) -> Result<(Reading, Vec<Refusal>), Box<Refusal>> {
        let sensor = target.sensor.as_ref().ok_or_else(|| tag_unknown(&target.name))?;
        if !item.unit.is_empty() && item.unit != target.unit {
            return Err(unit_mismatch(item, &target.unit));
        }
        let find = |pointer: &str| (!pointer.is_empty()).then(|| document.pointer(pointer)).flatten();
        let mut flags = Flags { notes: Vec::new(), bits: Default::default(), at: "" };
        let everything = Sensor { low: f64::MIN, high: f64::MAX, ..*sensor };
        let raw = flags.value(node, &everything)?;
        let finite = flags.notes.is_empty();
        let value = if finite { flags.in_span(raw * item.scale + item.offset, "scaled", sensor) } else { 0.0 };
        let quality = flags.quality(find(&item.quality))?;
        let seq = flags.seq(find(&self.mapping.seq))?;
        let own_time = if item.time.is_empty() { &self.mapping.time } else { &item.time };
        let source_time = flags.source_time(find(own_time), arrival.now)?;
        let reading = flags.finish(Parts { value, quality, seq, source_time }, sensor, arrival);
        Ok((reading, flags.notes))
    }
}

fn number(node: &Node<'_>) -> Option<f64> {
    match node {
        Node::Number(value, _) if value.is_finite() => Some(*value),
        Node::Bool(on) => Some(f64::from(u8::from(*on))),
        _ => None,
    }
}

fn tag_unknown(name: &str) -> Box<Refusal> {
    Refusal::new(
        Code::TagUnknown,
        format!("测点 {name} 未登记，已列入待处理"),
        format!("tag {name} is not registered; it is listed as pending"),
    )
    .field(name)
}

fn unit_mismatch(item: &MappingItem, want: &str) -> Box<Refusal> {
    let got = &item.unit;
    Refusal::new(
        Code::UnitMismatch,
        format!("映射 {} 的单位 \"{got}\" 与测点单位 \"{want}\" 不符", item.pointer),
        format!("mapping {}: unit \"{got}\" differs from the tag's \"{want}\"", item.pointer),
    )
    .field(item.pointer.clone())
}
