//! The typed rule language: text to slot-indexed code, three-valued evaluation.

use serde::{Deserialize, Serialize};

/// A compiled rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// Its source text.
    pub source: String,
}
