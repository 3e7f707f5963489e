//! Why a command changed nothing. Each variant is something a person can act on.

use model::Time;
use serde::{Deserialize, Serialize};

use crate::{ItemId, Name};

/// A refusal; the book is as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum WorkRefusal {
    /// No such item, party, plan or entry.
    #[error("there is no {what} {id}")]
    NotFound {
        /// `item`, `party`, `plan`, `level`, `entry`, `action`.
        what: String,
        /// As asked.
        id: String,
    },
    /// Somebody was faster.
    #[error("{id} changed: you saw seq {seen}, it is {current}, by {by}")]
    VersionConflict {
        /// Which.
        id: String,
        /// Seq seen.
        seen: u64,
        /// Seq now.
        current: u64,
        /// By whom.
        by: String,
        /// When.
        at: Time,
    },
    /// The table has no such edge.
    #[error("{item} is {state}; possible: {}", possible.join(", "))]
    State {
        /// Which.
        item: ItemId,
        /// Its state.
        state: Name,
        /// Actions possible.
        possible: Vec<String>,
    },
    /// A required field is blank.
    #[error("{0} is required")]
    FieldRequired(String),
    /// A value is not what its field takes.
    #[error("{field}: {problem}")]
    FieldInvalid {
        /// Which.
        field: String,
        /// What is wrong.
        problem: String,
    },
    /// The receiver does not answer to this hall.
    #[error("{receiver} is outside the hall's chain of command")]
    OutsideCommandChain {
        /// Party id.
        receiver: String,
    },
    /// Needs another person than the one who did the step before.
    #[error("{item}: {account} did the step before; another person must do this")]
    SecondPerson {
        /// Which.
        item: String,
        /// Who may not.
        account: String,
    },
    /// Something must be settled first.
    #[error("still open: {}", items.join(", "))]
    ItemsOpen {
        /// Ids or references.
        items: Vec<String>,
    },
}

impl WorkRefusal {
    pub(crate) fn invalid(field: &str, problem: impl Into<String>) -> Self {
        Self::FieldInvalid { field: field.to_owned(), problem: problem.into() }
    }

    pub(crate) fn not_found(what: &str, id: impl Into<String>) -> Self {
        Self::NotFound { what: what.to_owned(), id: id.into() }
    }
}
