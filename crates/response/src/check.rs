//! Whether what was given fits the table: fields, links, receivers, guards. Nothing here changes anything.

use model::Time;

use crate::command::PARTS_MAX;
use crate::deadline::WITHIN_MAX_S;
use crate::flow::{ActionSpec, By, FieldKind, FieldSpec, Flow, Guard, Receivers};
use crate::stage::{Deed, Stage};
use crate::{EXERCISE_FROM, Fields, Item, ItemId, Kind, Link, Provenance, Value, WorkRefusal, WorkSettings};

/// Characters of a one-line text.
const TEXT_MAX: usize = 500;
/// Characters of a long text or note.
const LONG_TEXT_MAX: usize = 10_000;
/// Files of one action.
const ATTACHMENTS_MAX: usize = 20;
/// Depth of lists and records.
const NESTING_MAX: usize = 4;

/// Relations a link may have.
pub const RELATIONS: [&str; 13] = [
    "alarm",
    "tag",
    "camera",
    "incident",
    "order",
    "hidden_danger",
    "recurrence_of",
    "drill",
    "roll_call",
    "shift",
    "handover",
    "plan_task",
    "lesson",
];

type Checked = Result<(), WorkRefusal>;

/// Everything given at creation.
pub(crate) fn creation(
    stage: &Stage<'_>,
    flow: &'static Flow,
    (fields, links): (&Fields, &[Link]),
    to: &[String],
    provenance: Provenance,
) -> Checked {
    if flow.created_by == By::System {
        return Err(WorkRefusal::not_found("flow", flow.kind.name()));
    }
    if provenance == Provenance::Exercise {
        exercise(stage, flow.kind, links)?;
    }
    for (name, value) in fields {
        match flow.field(name) {
            Some(spec) if spec.create => valid(stage.book.settings(), spec, value)?,
            _ => return Err(WorkRefusal::invalid(name, "is not a field of this at creation")),
        }
    }
    for spec in flow.fields.iter().filter(|f| f.required) {
        if fields.get(spec.name).is_none_or(Value::is_blank) {
            return Err(WorkRefusal::FieldRequired(spec.name.to_owned()));
        }
    }
    receivers(stage.book.settings(), flow, to)?;
    if links.len() > PARTS_MAX {
        return Err(WorkRefusal::invalid("links", format!("has {} links, at most {PARTS_MAX}", links.len())));
    }
    links.iter().try_for_each(|l| link(stage, l, provenance))
}

/// A link's relation is known, what it names exists, and no exercise is joined to anything real but its drill.
fn link(stage: &Stage<'_>, link: &Link, provenance: Provenance) -> Checked {
    if !RELATIONS.contains(&&*link.rel) || link.to.is_empty() || link.to.chars().count() > TEXT_MAX {
        return Err(WorkRefusal::invalid("links", format!("{} {} is not a relation", link.rel, link.to)));
    }
    if &*link.rel == "alarm" {
        return match alarm_provenance(&link.to) {
            Some(of) if of == provenance => Ok(()),
            Some(_) => Err(crossing(&link.to)),
            None => Err(WorkRefusal::not_found("alarm", &*link.to)),
        };
    }
    if matches!(&*link.rel, "tag" | "camera" | "plan_task") {
        return Ok(());
    }
    let id: ItemId = link.to.parse().map_err(|()| WorkRefusal::not_found("item", &*link.to))?;
    if !stage.knows(id) {
        return Err(WorkRefusal::not_found("item", &*link.to));
    }
    if id.kind == Kind::Drill || id.provenance() == provenance { Ok(()) } else { Err(crossing(&link.to)) }
}

/// What may be played. The watch itself, its rosters and its hand-overs are always real.
const PLAYED: [Kind; 6] = [Kind::Order, Kind::RollCall, Kind::HiddenDanger, Kind::Incident, Kind::Lesson, Kind::Note];

/// An exercise item belongs to a drill that is running.
fn exercise(stage: &Stage<'_>, kind: Kind, links: &[Link]) -> Checked {
    if !PLAYED.contains(&kind) {
        return Err(WorkRefusal::invalid("provenance", format!("a {} is always real", kind.name())));
    }
    let drills = links.iter().filter(|l| &*l.rel == "drill").filter_map(|l| l.to.parse::<ItemId>().ok());
    let running = |id: ItemId| stage.item(id).is_some_and(|d| &*d.state == "running");
    let any = drills.into_iter().any(running);
    if any { Ok(()) } else { Err(WorkRefusal::invalid("provenance", "an exercise needs a link to a running drill")) }
}

/// Alarms of exercises are numbered as their items are.
fn alarm_provenance(id: &str) -> Option<Provenance> {
    let number: u64 = id.strip_prefix("A-")?.parse().ok()?;
    Some(if number > EXERCISE_FROM { Provenance::Exercise } else { Provenance::Real })
}

fn crossing(to: &str) -> WorkRefusal {
    WorkRefusal::invalid("links", format!("{to} and this are not both real or both of an exercise"))
}

fn receivers(settings: &WorkSettings, flow: &'static Flow, receivers: &[String]) -> Checked {
    if receivers.len() > PARTS_MAX {
        return Err(WorkRefusal::invalid("receivers", format!("{} receivers, at most {PARTS_MAX}", receivers.len())));
    }
    match flow.receivers {
        Receivers::None if !receivers.is_empty() => return Err(WorkRefusal::invalid("receivers", "takes none")),
        Receivers::Required if receivers.is_empty() => return Err(WorkRefusal::FieldRequired("receiver".into())),
        _ => {}
    }
    for (i, id) in receivers.iter().enumerate() {
        if receivers[..i].contains(id) {
            return Err(WorkRefusal::invalid("receivers", format!("{id} twice")));
        }
        receiver(settings, id)?;
    }
    Ok(())
}

/// A receiver is known and answers to this hall. Before parties are configured, any name is taken.
pub(crate) fn receiver(settings: &WorkSettings, id: &str) -> Checked {
    if id.trim().is_empty() {
        return Err(WorkRefusal::FieldRequired("receiver".into()));
    }
    if settings.parties.is_empty() {
        return Ok(());
    }
    if settings.party(id).is_none() {
        return Err(WorkRefusal::not_found("party", id));
    }
    if settings.commands(id) { Ok(()) } else { Err(WorkRefusal::OutsideCommandChain { receiver: id.to_owned() }) }
}

/// Everything given with an action.
pub(crate) fn deed(stage: &Stage<'_>, flow: &'static Flow, spec: &'static ActionSpec, deed: &Deed<'_>) -> Checked {
    for (name, value) in deed.fields {
        let taken = spec.required.contains(&&**name) || spec.accepts.contains(&&**name);
        match flow.field(name).filter(|_| taken) {
            Some(field) => valid(stage.book.settings(), field, value)?,
            None => return Err(WorkRefusal::invalid(name, format!("is not a field of {}", spec.name))),
        }
    }
    if deed.note.chars().count() > LONG_TEXT_MAX {
        return Err(WorkRefusal::invalid("note", format!("is longer than {LONG_TEXT_MAX} characters")));
    }
    if deed.attachments.len() > ATTACHMENTS_MAX {
        return Err(WorkRefusal::invalid("attachments", format!("more than {ATTACHMENTS_MAX}")));
    }
    Ok(())
}

/// Fields that must not be blank; `note` is the text given now.
pub(crate) fn required(names: &[&str], fields: &Fields, note: &str) -> Checked {
    let blank = |name: &&&str| match **name {
        "note" => note.trim().is_empty(),
        name => fields.get(name).is_none_or(Value::is_blank),
    };
    match names.iter().find(blank) {
        Some(name) => Err(WorkRefusal::FieldRequired((*name).to_owned())),
        None => Ok(()),
    }
}

fn valid(settings: &WorkSettings, spec: &FieldSpec, value: &Value) -> Checked {
    let wrong = |wanted: &str| Err(WorkRefusal::invalid(spec.name, format!("must be {wanted}")));
    match (spec.kind, value) {
        (FieldKind::Text | FieldKind::Account | FieldKind::Person, Value::Text(text)) => length(spec, text, TEXT_MAX),
        (FieldKind::LongText, Value::Text(text)) => length(spec, text, LONG_TEXT_MAX),
        (FieldKind::Number { unit }, Value::Number(n)) => {
            let max = if unit == "s" { WITHIN_MAX_S } else { 1e15 };
            if (0.0..=max).contains(n) { Ok(()) } else { wrong(&format!("a number from 0 to {max}")) }
        }
        (FieldKind::Flag, Value::Flag(_)) => Ok(()),
        (FieldKind::Time, Value::Time(t)) if *t > Time(0) => Ok(()),
        (FieldKind::Choice(choices), Value::Text(text)) => {
            let words: Vec<&str> = choices.iter().map(|c| c.0).collect();
            if words.contains(&&**text) { Ok(()) } else { wrong(&format!("one of {}", words.join(", "))) }
        }
        (FieldKind::Party, Value::Text(id)) => {
            let known = settings.parties.is_empty() || settings.party(id).is_some();
            if known { length(spec, id, TEXT_MAX) } else { Err(WorkRefusal::not_found("party", &**id)) }
        }
        (FieldKind::List, Value::List(_)) | (FieldKind::Record, Value::Record(_)) => nested(spec, value, 0),
        (kind, _) => wrong(wanted(kind)),
    }
}

const fn wanted(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Number { .. } => "a number",
        FieldKind::Flag => "yes or no",
        FieldKind::Time => "a time",
        FieldKind::List => "a list",
        FieldKind::Record => "a record",
        FieldKind::Text
        | FieldKind::LongText
        | FieldKind::Choice(_)
        | FieldKind::Party
        | FieldKind::Account
        | FieldKind::Person => "a text",
    }
}

fn length(spec: &FieldSpec, text: &str, max: usize) -> Checked {
    if text.chars().count() > max {
        return Err(WorkRefusal::invalid(spec.name, format!("is longer than {max} characters")));
    }
    if text.contains('\0') {
        return Err(WorkRefusal::invalid(spec.name, "has a NUL character"));
    }
    Ok(())
}

fn nested(spec: &FieldSpec, value: &Value, depth: usize) -> Checked {
    let small = |len: usize| {
        let ok = len <= PARTS_MAX && depth < NESTING_MAX;
        if ok { Ok(()) } else { Err(WorkRefusal::invalid(spec.name, "is too large or too deep")) }
    };
    match value {
        Value::Text(text) => length(spec, text, LONG_TEXT_MAX),
        Value::Number(n) if !n.is_finite() => Err(WorkRefusal::invalid(spec.name, "must be a finite number")),
        Value::Number(_) | Value::Flag(_) | Value::Time(_) => Ok(()),
        Value::List(list) => {
            small(list.len())?;
            list.iter().try_for_each(|v| nested(spec, v, depth + 1))
        }
        Value::Record(parts) => {
            small(parts.len())?;
            parts.values().try_for_each(|v| nested(spec, v, depth + 1))
        }
    }
}

/// All guards, on the item as it would be with what was given.
pub(crate) fn guards(stage: &Stage<'_>, guards: &'static [Guard], item: &Item) -> Checked {
    guards.iter().try_for_each(|g| guard(stage, *g, item))
}

fn guard(stage: &Stage<'_>, guard: Guard, item: &Item) -> Checked {
    match guard {
        Guard::OtherPersonThan(field) if item.text(field) == stage.actor.account => {
            Err(WorkRefusal::SecondPerson { item: item.id.to_string(), account: stage.actor.account.clone() })
        }
        Guard::FieldsWhen { field, is, required: names } if item.text(field) == is => required(names, &item.fields, ""),
        Guard::NoOpenLinked(kind) => none_open(stage.linked(&item.id.to_string(), kind)),
        Guard::LinkedHaveOwner(kind) => {
            let linked = stage.linked(&item.id.to_string(), kind).into_iter();
            none_open(linked.filter(|i| i.owner.is_none()).collect())
        }
        Guard::Set(field) => required(&[field], &item.fields, ""),
        Guard::CountBelow { field, profile } => {
            let most = stage.book.settings().value(profile).unwrap_or(0.0);
            let below = item.number(field).unwrap_or(0.0) < most;
            if below { Ok(()) } else { Err(WorkRefusal::invalid(field, format!("{most} are used up ({profile})"))) }
        }
        Guard::Future(field) if item.time(field).is_some_and(|t| t <= stage.now) => {
            Err(WorkRefusal::invalid(field, "is in the past"))
        }
        _ => Ok(()),
    }
}

fn none_open(items: Vec<std::sync::Arc<Item>>) -> Checked {
    if items.is_empty() {
        return Ok(());
    }
    Err(WorkRefusal::ItemsOpen { items: items.iter().map(|i| i.id.to_string()).collect() })
}
