//! Composes alarm and response: `step(state, now, Event) -> Effects`. What live duty, replay and review all run.
#![allow(missing_docs, reason = "the fields of Notice are named by their words")]

mod effect;
mod event;

pub use effect::{Counts, Effects, Fact, FactBody, Notice, Outcome, Refusal};
pub use event::{AlarmAction, Command, CommandKind, Event, LinkChange, LinkScope};
