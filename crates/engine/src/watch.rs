//! State of the detectors and links: bounded by the number of tags, gateways and brokers.

use std::collections::BTreeMap;
use std::sync::Arc;

use alarm::{AlarmId, Instants, Process};
use model::{Reading, Time};
use serde::{Deserialize, Serialize};

/// Our own connection to a foreign broker.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Broker {
    pub number: u32,
    pub up: bool,
    pub down_at: Time,
}

/// A value that jumped faster than physics allows, waiting for a second one like it (2 of 3).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Jump {
    /// The last value that was believed, and when.
    pub trusted: (Time, f64),
    /// The one that was not.
    pub suspect: Option<(Time, f64)>,
}

/// A reading in a reorder buffer, and when it is let through.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Held {
    pub due: Time,
    pub reading: Reading,
}

/// Where a condition stood before its rule was edited, valid until its tag's next reading.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Base {
    pub process: Process,
    pub since: Instants,
    /// The reading it was judged by.
    pub received: Time,
}

/// Everything the detectors remember.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Watch {
    /// By tag: its last late reading's source time, for the clock-step rule.
    pub late: BTreeMap<u32, Time>,
    /// By tag: the value it may be stuck at, and since when.
    pub stuck: BTreeMap<u32, (f64, Time)>,
    /// By tag.
    pub jumps: BTreeMap<u32, Jump>,
    /// By tag: its reorder buffer.
    pub held: BTreeMap<u32, Vec<Held>>,
    /// By condition: source time of the last late excursion told.
    pub excursions: BTreeMap<u32, Time>,
    /// By condition: so that an edit and its undoing, with no reading between, leave everything as it was.
    pub bases: BTreeMap<u32, Base>,
    /// By name.
    pub brokers: BTreeMap<Arc<str>, Broker>,
    /// No tag is called stale before this time.
    pub grace_until: Time,
    /// Every deadline up to here was handled.
    pub ran_until: Time,
    /// Open diagnostics by their condition number.
    pub diagnostics: BTreeMap<u32, AlarmId>,
    /// Readings let out of a full reorder buffer before their time.
    pub reorder_overflowed: u64,
}

impl Watch {
    /// Whether silence since `heard` is explained by our own broken link.
    pub(crate) fn is_blind_since(&self, heard: Time) -> bool {
        self.brokers.values().any(|b| !b.up && heard <= b.down_at)
    }
}
