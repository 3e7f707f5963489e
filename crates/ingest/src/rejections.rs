//! What people see of refused data: counts by enterprise and reason, the first payloads of each, and tags that wait
//! for registration. Everything here is bounded, and what does not fit is counted.

use std::collections::BTreeMap;

use model::{Directory, Time};
use parking_lot::Mutex;
use serde::Serialize;

use crate::refusal::escape;
use crate::{Code, Refusal};

/// Payloads kept per enterprise and reason.
const SAMPLES_MAX: usize = 5;
/// Enterprises counted by name; further ones are counted together under `*`.
const ENTERPRISES_MAX: usize = 2_000;
/// Pending tags per enterprise, and in all.
const PENDING_PER_ENTERPRISE_MAX: usize = 500;
const PENDING_MAX: usize = 10_000;
/// Nearest names shown.
const NEAREST_MAX: usize = 3;

/// A payload kept for people to see.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Quarantined {
    /// When it came.
    pub at: Time,
    /// Which gateway (client id) or subscription sent it.
    pub gateway: String,
    /// Its topic, escaped.
    pub topic: String,
    /// Its first 256 bytes, escaped.
    pub payload: String,
    /// What was wrong.
    pub refusal: Refusal,
}

/// Counts and samples of one enterprise and reason.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RejectionsView {
    /// Enterprise id, empty when none could be told, `*` for those beyond the limit.
    pub enterprise: String,
    /// Reason.
    pub code: &'static str,
    /// Messages or readings, flagged ones included.
    pub count: u64,
    /// When it happened last.
    pub last_at: Time,
    /// The newest payloads.
    pub samples: Vec<Quarantined>,
}

/// Refusals by enterprise and reason. Shared by all doors; taken only when something is refused.
#[derive(Debug, Default)]
pub struct Rejections {
    rows: Mutex<BTreeMap<(String, Code), RejectionsView>>,
}

/// Where a refused payload came from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// Now.
    pub at: Time,
    /// Enterprise, or empty.
    pub enterprise: &'a str,
    /// Client id or subscription.
    pub gateway: &'a str,
    /// Topic.
    pub topic: &'a [u8],
    /// Payload.
    pub payload: &'a [u8],
}

impl Rejections {
    /// Counts one refusal and keeps its payload; the oldest sample makes room.
    pub fn add(&self, origin: Origin<'_>, refusal: Refusal) {
        let mut rows = self.rows.lock();
        let known = rows.contains_key(&(origin.enterprise.to_owned(), refusal.code));
        let fits = known || rows.len() < ENTERPRISES_MAX * Code::ALL.len();
        let enterprise = if fits { origin.enterprise } else { "*" };
        let row = rows.entry((enterprise.to_owned(), refusal.code)).or_default();
        row.enterprise = enterprise.to_owned();
        row.code = refusal.code.as_str();
        row.count += 1;
        row.last_at = origin.at;
        if row.samples.len() == SAMPLES_MAX {
            row.samples.remove(0);
        }
        row.samples.push(Quarantined {
            at: origin.at,
            gateway: escape(origin.gateway.as_bytes(), 128),
            topic: escape(origin.topic, 256),
            payload: escape(origin.payload, 256),
            refusal,
        });
    }

    /// Everything, for the API.
    pub fn snapshot(&self) -> Vec<RejectionsView> {
        self.rows.lock().values().cloned().collect()
    }
}

/// A tag that sends but is not registered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pending {
    /// Enterprise id.
    pub enterprise: String,
    /// Tag name as sent.
    pub tag: String,
    /// Messages.
    pub count: u64,
    /// First seen.
    pub first_at: Time,
    /// Last seen.
    pub last_at: Time,
    /// Last value, if one could be read.
    pub last_value: Option<f64>,
    /// Registered names that look alike.
    pub nearest: Vec<String>,
}

/// The parked list.
#[derive(Debug, Default)]
pub struct PendingTags {
    state: Mutex<Parked>,
}

#[derive(Debug, Default)]
struct Parked {
    tags: BTreeMap<String, BTreeMap<String, Pending>>,
    len: usize,
    overflow: u64,
}

impl PendingTags {
    /// Parks one message of an unregistered tag.
    pub fn park(&self, enterprise: &str, tag: &str, value: Option<f64>, now: Time) {
        // `$state` and its like are a gateway's words about itself, such as the topic of its will.
        if tag.starts_with('$') {
            return;
        }
        let state = &mut *self.state.lock();
        let tags = state.tags.entry(enterprise.to_owned()).or_default();
        if let Some(row) = tags.get_mut(tag) {
            row.count += 1;
            row.last_at = now;
            row.last_value = value.or(row.last_value);
            return;
        }
        if tags.len() >= PENDING_PER_ENTERPRISE_MAX || state.len >= PENDING_MAX {
            state.overflow += 1;
            return;
        }
        state.len += 1;
        let row = Pending {
            enterprise: enterprise.to_owned(),
            tag: tag.to_owned(),
            count: 1,
            first_at: now,
            last_at: now,
            last_value: value,
            nearest: Vec::new(),
        };
        tags.insert(tag.to_owned(), row);
    }

    /// Those that are still not registered, with the nearest registered names; and how many messages did not fit.
    /// Registered ones leave the list.
    pub fn snapshot(&self, directory: &Directory) -> (Vec<Pending>, u64) {
        let mut state = self.state.lock();
        for (enterprise, tags) in &mut state.tags {
            tags.retain(|tag, _| !is_registered(directory, enterprise, tag));
        }
        state.len = state.tags.values().map(BTreeMap::len).sum();
        let mut rows: Vec<_> = state.tags.values().flat_map(|tags| tags.values().cloned()).collect();
        let overflow = state.overflow;
        drop(state);
        for row in &mut rows {
            row.nearest = nearest(directory, &row.enterprise, &row.tag);
        }
        (rows, overflow)
    }
}

fn is_registered(directory: &Directory, enterprise: &str, tag: &str) -> bool {
    directory.find(enterprise, tag).and_then(|i| directory.get(i)).is_some_and(|entry| !entry.retired)
}

/// Registered names of the enterprise that look like `tag`, nearest first.
pub(crate) fn nearest(directory: &Directory, enterprise: &str, tag: &str) -> Vec<String> {
    let limit = (tag.chars().count() / 3).max(2);
    let names = directory.names_of(enterprise).filter(|name| name.len().abs_diff(tag.len()) <= limit * 3);
    let mut near: Vec<_> = names.map(|name| (distance(name, tag), name)).filter(|(d, _)| *d <= limit).collect();
    near.sort_unstable();
    near.into_iter().take(NEAREST_MAX).map(|(_, name)| name.to_owned()).collect()
}

/// Levenshtein without case: `NH3-1` and `nh3-1` are equal here.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().flat_map(char::to_lowercase).enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}
