//! Every flow as a table, in the order of [`Kind::ALL`].

mod drill;
mod handover;
mod hidden_danger;
mod incident;
mod lesson;
mod note;
pub(crate) mod order;
mod roll_call;
mod shift;
mod vigilance;

use crate::Kind;
use crate::flow::{ActionSpec, By, FieldKind, FieldSpec, Flow, StateSpec};

/// The flows.
pub static FLOWS: [Flow; Kind::ALL.len()] = [
    order::FLOW,
    shift::FLOW,
    shift::SWAP,
    handover::FLOW,
    roll_call::FLOW,
    roll_call::CALL,
    hidden_danger::FLOW,
    incident::FLOW,
    lesson::FLOW,
    drill::FLOW,
    note::FLOW,
    vigilance::FLOW,
];

/// The flow of a kind.
pub fn flow_of(kind: Kind) -> &'static Flow {
    &FLOWS[kind as usize]
}

/// A state that is not an end.
const fn state(name: &'static str, zh: &'static str, en: &'static str) -> StateSpec {
    StateSpec { name, zh, en, ended: false }
}

/// An end state.
const fn end(name: &'static str, zh: &'static str, en: &'static str) -> StateSpec {
    StateSpec { name, zh, en, ended: true }
}

/// A field that the kernel or an action writes.
const fn field(name: &'static str, zh: &'static str, en: &'static str, kind: FieldKind) -> FieldSpec {
    FieldSpec { name, zh, en, kind, create: false, required: false }
}

/// A field that may be given at creation.
const fn given(name: &'static str, zh: &'static str, en: &'static str, kind: FieldKind) -> FieldSpec {
    FieldSpec { name, zh, en, kind, create: true, required: false }
}

/// A field that must be given at creation.
const fn needed(name: &'static str, zh: &'static str, en: &'static str, kind: FieldKind) -> FieldSpec {
    FieldSpec { name, zh, en, kind, create: true, required: true }
}

/// An edge with no fields, guards or consequences.
const fn action(
    name: &'static str,
    (zh, en): (&'static str, &'static str),
    from: &'static [&'static str],
    to: &'static str,
    by: By,
) -> ActionSpec {
    ActionSpec { name, zh, en, from, to, by, required: &[], accepts: &[], guards: &[], then: &[] }
}

/// Where everything played ends with its drill.
const EXERCISE_OVER: StateSpec = end("exercise_over", "演练结束", "exercise over");

/// The drill ends it; nobody else can.
const fn end_exercise(from: &'static [&'static str]) -> ActionSpec {
    action("end_exercise", ("演练结束", "end of the exercise"), from, "exercise_over", By::System)
}
