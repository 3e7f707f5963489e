//! R1 to R4 for all flows: illegal actions change nothing, deadlines fire once, state survives, the same again is the same.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use response::{By, FieldKind, Fields, ItemId, Kind, Link, Provenance, Value, WorkCommand, flow_of};

use crate::desk::{Desk, act, at, refused, word};

/// A valid value of a field.
pub fn sample(kind: FieldKind, now: model::Time) -> Value {
    match kind {
        FieldKind::Text | FieldKind::LongText => "文本".into(),
        FieldKind::Number { .. } => 60.0.into(),
        FieldKind::Flag => true.into(),
        FieldKind::Time => now.plus_s(3_600.0).into(),
        FieldKind::Choice(choices) => choices[0].0.into(),
        FieldKind::Party => "chem-01".into(),
        FieldKind::Account | FieldKind::Person => "main-a".into(),
        FieldKind::List => Value::List(vec!["chem-01".into()]),
        FieldKind::Record => Value::record([("x", 1.0.into())]),
    }
}

/// What an action needs, and fields that its guards look at.
pub fn fields_for(kind: Kind, action: &str, now: model::Time) -> (Fields, String) {
    let flow = flow_of(kind);
    let spec = flow.action(action).unwrap();
    let mut fields = Fields::new();
    for name in spec.required.iter().chain(spec.accepts).filter(|n| **n != "note") {
        fields.insert((*name).into(), sample(flow.field(name).unwrap().kind, now));
    }
    for (name, value) in special(kind, action, now) {
        fields.insert(name.into(), value);
    }
    fields.retain(|name, _| spec.required.contains(&&**name) || spec.accepts.contains(&&**name));
    (fields, "原因".to_owned())
}

fn special(kind: Kind, action: &str, now: model::Time) -> Vec<(&'static str, Value)> {
    match (kind, action) {
        (Kind::Incident, "change_level") => vec![("level", "IV".into())],
        (Kind::Incident, _) => vec![
            ("plan", "ammonia".into()),
            ("level", "II".into()),
            ("check_no", 0.0.into()),
            ("pin_at", now.into()),
            ("stamp_at", now.into()),
            ("stamp", "sign".into()),
            ("roles", Value::record([("rescue_lead", "brigade-1".into())])),
        ],
        (Kind::HiddenDanger, _) => vec![("grade", "major".into()), ("merged_into", "H-000001".into())],
        (Kind::Order, "reassign") => vec![("to", "town".into())],
        (Kind::Handover, "take" | "give") => vec![("refs", Value::List(vec!["O-000001".into()]))],
        _ => vec![],
    }
}

/// Creates one item of a kind, with what it needs to stand on.
pub fn make(desk: &mut Desk, kind: Kind) -> ItemId {
    let month: &[(&str, Value)] = &[("month", "2027-01".into())];
    match kind {
        Kind::Order => desk.create("chief", kind, &[("content", "到场".into())], &[], &["brigade-1"]),
        Kind::Shift => desk.create("chief", kind, month, &[], &[]),
        Kind::Swap => {
            let shift = desk.create("chief", Kind::Shift, month, &[], &[]);
            let main = desk.item(shift).text("main").to_owned();
            let fields = [("out", main.into()), ("in", "stand-in".into()), ("text", "病假".into())];
            desk.create("zhou", kind, &fields, &[&format!("shift:{shift}")], &[])
        }
        Kind::Handover => {
            make(desk, Kind::Order);
            desk.create("main-a", kind, &[("successor", "main-b".into())], &[], &[])
        }
        Kind::RollCall => {
            let targets = Value::List(vec!["town".into(), "chem-01".into()]);
            desk.create("chief", kind, &[("title", "夜间查岗".into()), ("targets", targets)], &[], &[])
        }
        Kind::Call => {
            make(desk, Kind::RollCall);
            desk.book.open_of(Kind::Call).next().unwrap().id
        }
        Kind::HiddenDanger => {
            make_danger(desk);
            make_danger(desk)
        }
        Kind::Incident => {
            desk.create("chief", kind, &[("title", "氨泄漏".into()), ("chemical", "氨".into())], &[], &[])
        }
        Kind::Lesson => desk.create("chief", kind, &[("text", "预案缺少撤离路线".into())], &[], &[]),
        Kind::Drill => {
            desk.create("chief", kind, &[("title", "氨泄漏演练".into()), ("party", "chem-01".into())], &[], &[])
        }
        Kind::Note => {
            desk.try_create("chief", kind, &[("type", "call".into()), ("text", "来电".into())], &[], &[]).unwrap()[0]
                .item
                .id
        }
        Kind::Vigilance => {
            desk.raise(&crate::desk::red_alarm(1, "gas.01"));
            desk.wait_until(desk.now.since_us(at(0.0)) as f64 / 1e6 + 180.0);
            desk.book.open_of(kind).next().unwrap().id
        }
    }
}

fn make_danger(desk: &mut Desk) -> ItemId {
    let fields = [("title", "法兰渗漏".into()), ("source", "self_check".into()), ("enterprise", "chem-01".into())];
    desk.create("chief", Kind::HiddenDanger, &fields, &[], &[])
}

/// People who act in turn, so that what needs another person finds one.
const PEOPLE: [&str; 4] = ["main-b", "deputy-a", "main-a", "leader-c"];

/// One legal action by whoever is allowed to; none if nobody is.
fn try_anyone(desk: &Desk, id: ItemId, action: &str) -> Option<(Desk, String)> {
    PEOPLE.into_iter().find_map(|who| {
        let mut next = desk.copy();
        let (fields, note) = fields_for(id.kind, action, next.now);
        let seq = next.item(id).seq;
        let command = WorkCommand::Act { item: id, seq, action: action.into(), fields, note, attachments: vec![] };
        next.command(who, &command).ok().map(|_| (next, who.to_owned()))
    })
}

/// Every state of a kind that people can reach, each with a desk in which the item is in it.
fn explore(kind: Kind) -> (ItemId, BTreeMap<String, Desk>) {
    let mut desk = Desk::new();
    let id = make(&mut desk, kind);
    let mut found = BTreeMap::from([(desk.state(id), desk)]);
    let mut queue: Vec<String> = found.keys().cloned().collect();
    while let Some(state) = queue.pop() {
        if flow_of(kind).is_end(&state) {
            continue;
        }
        let mut steps: Vec<Desk> = vec![];
        for action in flow_of(kind).possible(&state) {
            steps.extend(try_anyone(&found[&state], id, action.name).map(|s| s.0));
        }
        // What only time does.
        let mut later = found[&state].copy();
        if let Some(due) = later.item(id).deadlines.iter().filter_map(|d| d.next).min() {
            later.wait_until(due.since_us(at(0.0)) as f64 / 1e6);
            steps.push(later);
        }
        for next in steps {
            let state = next.state(id);
            if let std::collections::btree_map::Entry::Vacant(place) = found.entry(state) {
                queue.push(place.key().clone());
                place.insert(next);
            }
        }
    }
    (id, found)
}

/// Every action in one state. What the table lacks is `WORK_STATE` and changes nothing.
#[track_caller]
fn check_state(desk: &Desk, id: ItemId) {
    let (kind, state) = (id.kind, desk.state(id));
    for action in flow_of(kind).actions {
        let mut desk = desk.copy();
        let (fields, note) = fields_for(kind, action.name, desk.now);
        let seq = desk.last(id).seq;
        let command = WorkCommand::Act { item: id, seq, action: action.name.into(), fields, note, attachments: vec![] };
        // `command` itself asserts that a refusal leaves the book as it was.
        let result = desk.command("main-b", &command);
        let legal = action.from.contains(&&*state) && action.by != By::System;
        match result {
            Ok(_) => assert!(legal, "{kind:?}: {} in {state} went through", action.name),
            Err(refusal) => {
                assert_eq!(word(&refusal) == "state", !legal, "{kind:?}: {} in {state}: {refusal}", action.name);
            }
        }
    }
    refused(desk.copy().command("main-b", &act(id, desk.last(id).seq, "fly", &[])), "not_found");
}

/// Every pair of a state and an action of one flow. `apart` are the states that other tests of this file lead to.
#[track_caller]
fn check_flow(kind: Kind, apart: &[&str]) {
    let (id, states) = explore(kind);
    for state in flow_of(kind).states.iter().filter(|s| !apart.contains(&s.name)) {
        let desk = states.get(state.name).unwrap_or_else(|| panic!("{kind:?}: {} was not reached", state.name));
        check_state(desk, id);
    }
}

const OVER: &str = "exercise_over";

#[test]
fn r3_orders() {
    check_flow(Kind::Order, &["draft", OVER]);
    let mut desk = Desk::new();
    let fields = [("content", "撤离".into()), ("draft", true.into())];
    let draft = desk.create("wang", Kind::Order, &fields, &[], &["brigade-1"]);
    check_state(&desk, draft);
}

#[test]
fn r3_shifts_swaps_and_handovers() {
    check_flow(Kind::Shift, &["handing_over", "done"]);
    check_flow(Kind::Swap, &[]);
    check_flow(Kind::Handover, &["complete"]);
    let mut desk = Desk::new();
    let shift = make(&mut desk, Kind::Shift);
    let main = desk.item(shift).text("main").to_owned();
    desk.act(&main, shift, "take", &[]);
    let link = format!("shift:{shift}");
    let next = if main == "main-b" { "main-a" } else { "main-b" };
    let handover = desk.create(&main, Kind::Handover, &[("successor", next.into())], &[&link], &[]);
    check_state(&desk, shift);
    desk.act(&main, handover, "sign_out", &[]);
    desk.act(next, handover, "sign_in", &[]);
    desk.act(next, handover, "complete", &[]);
    check_state(&desk, shift);
    check_state(&desk, handover);
}

#[test]
fn r3_roll_calls() {
    check_flow(Kind::RollCall, &["scheduled", "cancelled", "finished", "circulated", "closed", OVER]);
    check_flow(Kind::Call, &[OVER]);
    let mut desk = Desk::new();
    let task = make(&mut desk, Kind::RollCall);
    desk.wait_until(60.0);
    for action in ["circulate", "close"] {
        check_state(&desk, task);
        desk.act("wang", task, action, &[("note", "通报".into())]);
    }
    check_state(&desk, task);
    let fields =
        [("title", "查岗".into()), ("targets", Value::List(vec!["town".into()])), ("scheduled_at", at(9_000.0).into())];
    let later = desk.create("wang", Kind::RollCall, &fields, &[], &[]);
    check_state(&desk, later);
    desk.act("wang", later, "cancel", &[("note", "取消".into())]);
    check_state(&desk, later);
}

#[test]
fn r3_hidden_dangers() {
    check_flow(Kind::HiddenDanger, &[OVER]);
}

#[test]
fn r3_incidents() {
    check_flow(Kind::Incident, &["archived", OVER]);
    let mut desk = Desk::new();
    let id = make(&mut desk, Kind::Incident);
    desk.acts("chief", id, "file review");
    desk.act("chief", id, "archive", &[("conclusion", "结论".into())]);
    check_state(&desk, id);
}

#[test]
fn r3_lessons_drills_notes_and_prompts() {
    check_flow(Kind::Lesson, &[OVER]);
    check_flow(Kind::Drill, &[]);
    check_flow(Kind::Note, &[]);
    check_flow(Kind::Vigilance, &["lapsed"]);
    let mut desk = Desk::new();
    let id = make(&mut desk, Kind::Vigilance);
    desk.alarm(&crate::desk::red_alarm(1, "gas.01"), response::AlarmNews::Closed);
    check_state(&desk, id);
}

#[test]
fn r3_exercises_that_are_over() {
    let mut desk = Desk::new();
    let drill = make(&mut desk, Kind::Drill);
    desk.act("chief", drill, "write_script", &[("script", Value::List(vec!["泄漏".into()]))]);
    desk.act("chief", drill, "begin", &[]);
    let link = format!("drill:{drill}");
    let played = crate::drills::play_everything(&mut desk, &link);
    desk.act("chief", drill, "end", &[]);
    for id in played {
        assert_eq!(desk.state(id), OVER);
        check_state(&desk, id);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any commands at all: refusals change nothing, the snapshot keeps everything, and the same again is the same.
    #[test]
    fn r3_r4_any_commands_in_any_order(script in proptest::collection::vec((0_usize..12, 0_usize..40, 0_usize..4, 1_u32..4_000), 1..60)) {
        let mut desk = Desk::new();
        let mut again = Desk::new();
        for d in [&mut desk, &mut again] {
            for (kind, action, who, wait) in &script {
                random_step(d, Kind::ALL[*kind], (*action, *who, *wait));
            }
        }
        prop_assert_eq!(&desk.told, &again.told);
        prop_assert_eq!(&desk.book, &again.book);
        desk.restart();
    }
}

fn random_step(desk: &mut Desk, kind: Kind, (action, who, wait): (usize, usize, u32)) {
    let flow = flow_of(kind);
    let ids: Vec<ItemId> = desk.book.open_of(kind).map(|i| i.id).collect();
    if ids.is_empty() || flow.actions.is_empty() || action % 8 == 0 {
        if !matches!(kind, Kind::Call | Kind::Vigilance | Kind::Swap | Kind::Shift | Kind::Handover) {
            make(desk, kind);
        }
    } else {
        let id = ids[action % ids.len()];
        let spec = &flow.actions[action % flow.actions.len()];
        let (fields, note) = fields_for(kind, spec.name, desk.now);
        let seq = desk.item(id).seq;
        let command = WorkCommand::Act { item: id, seq, action: spec.name.into(), fields, note, attachments: vec![] };
        let _ = desk.command(PEOPLE[who], &command);
    }
    let s = desk.now.since_us(at(0.0)) as f64 / 1e6;
    desk.wait_until(s + f64::from(wait));
}

#[test]
fn r2_ten_thousand_open_deadlines_fire_once_each_at_their_times_over_a_restart() {
    let mut desk = Desk::new();
    desk.strict = false;
    for i in 0..10_000_u32 {
        let within = f64::from(i * 7_919 % 10_000 + 1);
        let fields = [("content", "到场".into()), ("ack_within_s", within.into()), ("complete_within_s", 1e6.into())];
        desk.create("wang", Kind::Order, &fields, &[], &["town"]);
    }
    assert!(desk.book.deadlines_len() >= 10_000);
    let first = desk.told.len();
    desk.wait_until(4_999.5);
    desk.restart();
    desk.wait_until(20_000.0);
    let mut fired = HashSet::new();
    let mut last = at(0.0);
    for event in &desk.told[first..] {
        let response::Cause::Deadline { name, rung: 1, due } = &event.cause else { continue };
        assert_eq!(&**name, "ack");
        let within = event.item.number("ack_within_s").unwrap();
        assert_eq!(*due, at(within), "{}", event.item.id);
        assert!(*due >= last, "in the order of their times");
        last = *due;
        assert!(fired.insert(event.item.id), "{} twice", event.item.id);
    }
    assert_eq!(fired.len(), 10_000);
}

#[test]
fn r2_a_late_tick_changes_no_step_only_when_it_is_seen() {
    let run = |ticks: &[f64]| {
        let mut desk = Desk::new();
        make(&mut desk, Kind::Order);
        for s in ticks {
            while desk.book.next_deadline().is_some_and(|due| due <= at(*s)) {
                desk.now = at(*s);
                let events = desk.book.due(at(*s), at(*s), desk.seq + 1);
                desk.seq += events.len() as u64;
                desk.told.extend(events);
            }
        }
        let due = |e: &response::WorkEvent| match &e.cause {
            response::Cause::Deadline { name, rung, due } => Some((e.item.id, name.clone(), *rung, *due)),
            _ => None,
        };
        desk.told.iter().filter_map(due).collect::<Vec<_>>()
    };
    let every_second: Vec<f64> = (0..5_000).map(f64::from).collect();
    assert_eq!(run(&every_second)[..4], run(&[4_999.0])[..4]);
}

#[test]
fn r1_each_event_names_who_when_from_where_and_its_number() {
    let mut desk = Desk::new();
    let id = make(&mut desk, Kind::Order);
    desk.act("wang", id, "acknowledge", &[]);
    let entry = desk.item(id).log.last().unwrap().clone();
    assert_eq!((&*entry.action, &*entry.from, &*entry.to), ("acknowledge", "issued", "acknowledged"));
    assert_eq!((entry.by.account.as_str(), entry.seq, entry.at), ("wang", 2, at(0.0)));
}

#[test]
fn links_name_what_exists() {
    let mut desk = Desk::new();
    let id = make(&mut desk, Kind::Order);
    let mut link = |rel: &str, to: &str| {
        let links = vec![Link::new(rel, to)];
        let (fields, receivers) = (Fields::from([("text".into(), "改进".into())]), vec![]);
        let provenance = Provenance::Real;
        desk.command(
            "wang",
            &WorkCommand::Create { kind: Kind::Lesson, fields, links, receivers, provenance, seen: None },
        )
    };
    assert!(link("order", &id.to_string()).is_ok());
    refused(link("order", "O-000099"), "not_found");
    refused(link("order", "nonsense"), "not_found");
    refused(link("friend", &id.to_string()), "field_invalid");
    refused(link("alarm", "A-900000001"), "field_invalid");
}
