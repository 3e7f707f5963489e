//! Composes alarm and response: `step(state, now, Event) -> Effects`. What live duty, replay and review all run.
#![allow(missing_docs, reason = "the fields of Notice are named by their words")]

mod aside;
mod clock;
mod command;
mod deadline;
mod detect;
mod diagnostic;
mod effect;
mod emit;
mod engine;
mod episode;
mod evaluate;
mod event;
mod flood;
mod follow;
mod gateway;
mod judge;
mod link;
mod plan;
mod revision;
mod shelving;
mod silence;
mod snapshot;
mod theatre;
mod watch;
mod window;
mod work;

pub use command::Service;
pub use effect::{Counts, Effects, Fact, FactBody, Notice, Outcome, Refusal, Tally};
pub use engine::{Engine, LastValue, Size};
pub use event::{AlarmAction, Command, CommandKind, Event, LinkChange, LinkScope};
pub use revision::complete;
pub use snapshot::{RestoreError, Snapshot};
