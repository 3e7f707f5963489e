//! Values of fields. Which kind a field takes is the flow table's; JSON by that kind is the protocol's.

use std::collections::BTreeMap;

use model::Time;
use serde::{Deserialize, Serialize};

use crate::Name;

/// One value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Text, a choice, a party or an account.
    Text(String),
    /// A finite number in the field's unit.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// A point in time.
    Time(Time),
    /// Several.
    List(Vec<Value>),
    /// Named parts.
    Record(BTreeMap<Name, Value>),
}

impl Value {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub const fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The time, if it is one.
    pub const fn as_time(&self) -> Option<Time> {
        match self {
            Self::Time(time) => Some(*time),
            _ => None,
        }
    }

    /// The list; empty if it is none.
    pub fn as_list(&self) -> &[Value] {
        match self {
            Self::List(list) => list,
            _ => &[],
        }
    }

    /// A part of a record.
    pub fn part(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Record(parts) => parts.get(name),
            _ => None,
        }
    }

    /// Nothing was said: blank text, an empty list or record.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) => text.trim().is_empty(),
            Self::List(list) => list.is_empty(),
            Self::Record(parts) => parts.is_empty(),
            Self::Number(_) | Self::Flag(_) | Self::Time(_) => false,
        }
    }

    /// A record of parts.
    pub fn record<const N: usize>(parts: [(&str, Value); N]) -> Self {
        Self::Record(parts.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Time> for Value {
    fn from(time: Time) -> Self {
        Self::Time(time)
    }
}
