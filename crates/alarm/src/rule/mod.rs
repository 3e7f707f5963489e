//! The typed rule language: text to slot-indexed code, three-valued evaluation.
//!
//! ```text
//! (level / capacity) * 100 > 90 and qin - qout > 2.5 or avg(gas.nh3.01, 5m) >= 25 ppm
//! ```
//! Names are tags of the rule's own enterprise (`gas.nh3.01`), quoted names any (`"ammonia-01/gas.nh3.01"`), or other rules.

mod check;
mod error;
mod lex;
mod machine;
mod parse;
mod unit;

use std::sync::Arc;

use model::TagIndex;
use serde::{Deserialize, Serialize};

pub use error::{RuleCode, RuleError};
use machine::{Bin, Op};

/// Most operations of one rule; more is `RULE_TOO_COSTLY`.
pub const FUEL_MAX: usize = 256;
/// Most distinct inputs of one rule.
pub const INPUTS_MAX: usize = 32;
/// Deepest nesting of one rule.
pub const DEPTH_MAX: usize = 24;
/// Longest source text, bytes.
pub const SOURCE_MAX: usize = 8_192;

/// What a name means; given by the site files.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    /// A tag.
    Tag {
        /// Its number.
        tag: TagIndex,
        /// Engineering unit; empty: a plain number.
        unit: Arc<str>,
        /// A switch: true or false, not a number.
        boolean: bool,
    },
    /// Another rule, by its source text: a named sub-expression.
    Rule(Arc<str>),
}

/// Turns a name into what it means.
pub type Resolver<'a> = dyn Fn(&str) -> Option<Resolved> + 'a;

/// What is read of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Read {
    /// Its newest value.
    Value,
    /// Mean of the samples in a window, microseconds.
    Avg(i64),
    /// Smallest in a window.
    Min(i64),
    /// Largest in a window.
    Max(i64),
    /// Sum of the samples in a window.
    Sum(i64),
    /// Number of samples in a window.
    Count(i64),
    /// Change per second over a window.
    Rate(i64),
    /// Seconds since its newest reading.
    Age,
    /// Whether its data is stale.
    Stale,
    /// Its quality: 0 good, 1 uncertain, 2 bad.
    Quality,
}

impl Read {
    /// Length of its window in microseconds, if it has one.
    pub const fn window_us(self) -> Option<i64> {
        match self {
            Self::Avg(us) | Self::Min(us) | Self::Max(us) | Self::Sum(us) | Self::Count(us) | Self::Rate(us) => {
                Some(us)
            }
            Self::Value | Self::Age | Self::Stale | Self::Quality => None,
        }
    }

    /// Whether it changes as time passes, without a reading.
    pub const fn is_timed(self) -> bool {
        self.window_us().is_some() || matches!(self, Self::Age)
    }
}

/// One input slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Input {
    /// Which tag.
    pub tag: TagIndex,
    /// What of it.
    pub read: Read,
}

/// Outcome of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Not known: an input is unknown, or it divided by zero ("faulted").
    Unknown,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Code {
    source: String,
    ops: Vec<Op>,
    inputs: Vec<Input>,
}

/// A compiled rule; cheap to clone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Program(Arc<Code>);

impl Program {
    /// Its source text.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// What it reads, slot by slot; at most [`INPUTS_MAX`].
    pub fn inputs(&self) -> &[Input] {
        &self.0.inputs
    }

    /// Operations of one evaluation; at most [`FUEL_MAX`], and four for each input more in a watch of faults.
    pub fn cost(&self) -> usize {
        self.0.ops.len()
    }

    /// The rule that says when this one cannot decide although it knows every input: it divided by zero. None if it
    /// never divides. Without it a faulted rule would look like one that waits for data.
    pub fn faulted(&self) -> Option<Self> {
        let divides =
            |op: &Op| matches!(op, Op::Stack(Bin::Divide) | Op::Slot(Bin::Divide, _) | Op::With(Bin::Divide, _));
        if !self.0.ops.iter().any(divides) {
            return None;
        }
        let mut ops = self.0.ops.clone();
        ops.extend([Op::Known, Op::Not]);
        for slot in 0..self.0.inputs.len() as u8 {
            ops.extend([Op::Push, Op::Load(slot), Op::Known, Op::Stack(Bin::And)]);
        }
        let source = format!("faulted({})", self.0.source);
        Some(Self(Arc::new(Code { source, ops, inputs: self.0.inputs.clone() })))
    }

    /// Evaluates it. `read` gives each input once; NaN means unknown. Booleans are 1 and 0.
    #[inline]
    pub fn evaluate(&self, mut read: impl FnMut(&Input) -> f64) -> Truth {
        let mut slots = [f64::NAN; INPUTS_MAX];
        for (slot, input) in slots.iter_mut().zip(&self.0.inputs) {
            *slot = read(input);
        }
        machine::truth(machine::run(&self.0.ops, &slots))
    }
}

/// Compiles a rule.
///
/// # Errors
/// The first problem, with its stable code, line, column and a hint.
pub fn compile(source: &str, resolver: &Resolver<'_>) -> Result<Program, RuleError> {
    let tree = parse::parse(source)?;
    let (ops, inputs) = check::generate(&tree, resolver)?;
    Ok(Program(Arc::new(Code { source: source.to_owned(), ops, inputs })))
}

#[cfg(test)]
mod tests;
