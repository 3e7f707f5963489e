//! The work systems: one table-driven kernel. Every flow is a table; an action the table does not have changes nothing.
//! Pure: time and stream numbers are arguments, no clock and no chance.
#![deny(missing_docs)]

mod alarms;
mod book;
mod check;
mod command;
mod deadline;
mod effect;
mod filter;
mod flow;
mod flows;
mod grade;
mod item;
mod obligation;
mod open_list;
mod plan;
pub mod profile;
mod provenance;
mod recurrence;
mod refusal;
mod roster;
mod script;
mod settings;
mod stage;
pub mod stamps;
mod value;
mod vigil;

pub use book::{Book, Turn};
pub use check::RELATIONS;
pub use command::{
    AlarmNews, AlarmRef, Asks, Cause, DarkSource, PARTS_MAX, PARTY_ACCOUNT, Sight, WorkCommand, WorkEvent, party_of,
};
pub use filter::WorkFilter;
pub use flow::{
    ActionSpec, After, By, DeadlineSpec, FieldKind, FieldSpec, Flow, Guard, Receivers, Rung, StateSpec, Step, TOLD,
};
pub use flows::{FLOWS, flow_of, order::PRIORITIES};
pub use grade::{grade, suggested_level};
pub use item::{
    Attachment, Deadline, EXERCISE_FROM, Entry, Fields, Item, ItemId, Kind, LOG_MAX, Link, Name, Provenance,
};
pub use open_list::OpenLoop;
pub use provenance::{Exercise, Real, Sourced, Told};
pub use refusal::WorkRefusal;
pub use script::{Injection, injected, scripted_tags};
pub use settings::{
    Checklist, ChecklistItem, Condition, Crew, DrillObligation, Group, Party, PlanCard, PlanSource, ProfileValue,
    RosterPattern, ShiftPattern, TaskTemplate, WorkSettings,
};
pub use value::Value;
