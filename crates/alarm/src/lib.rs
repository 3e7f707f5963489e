//! Alarm semantics: conditions, the rule language, the ISA-18.2 life cycle. Pure: time is an argument.
#![deny(missing_docs)]

mod definition;
mod life;
mod process;
mod record;
pub mod rule;

pub use definition::{
    Condition, ConditionIndex, ConditionKind, EscalationStep, GapPolicy, HallSettings, OnUnknown, RuleSet, TagSettings,
};
pub use life::Regions;
pub use process::{Change, Instants, Process, Verdict, advance};
pub use record::{
    Acknowledgement, AlarmId, AlarmRecord, Annunciation, Cause, ShelveRequest, Shelving, State, Transition,
};
