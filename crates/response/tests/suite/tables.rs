//! The tables themselves: every word they use exists, in both languages, and every number has an origin.

use std::collections::HashSet;

use response::{After, By, FLOWS, FieldKind, Flow, Guard, Kind, Step, profile};

#[track_caller]
fn check_unique<'a>(what: &str, flow: &Flow, names: impl Iterator<Item = &'a str>) {
    let mut seen = HashSet::new();
    for name in names {
        assert!(seen.insert(name), "{:?}: {what} {name} twice", flow.kind);
    }
}

#[test]
fn flows_stand_in_the_order_of_their_kinds_with_prefixes_of_their_own() {
    let prefixes: HashSet<char> = Kind::ALL.iter().map(|k| k.prefix()).collect();
    assert_eq!((FLOWS.len(), prefixes.len()), (Kind::ALL.len(), Kind::ALL.len()));
    for (flow, kind) in FLOWS.iter().zip(Kind::ALL) {
        assert_eq!(flow.kind, kind);
        for number in [123, response::EXERCISE_FROM] {
            let id = response::ItemId { kind, number };
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!(kind.name().parse(), Ok(kind));
    }
    for bad in ["", "O", "O-", "O-1x", "Z-1", "OO-1", "O-+1", "O--1"] {
        assert!(bad.parse::<response::ItemId>().is_err(), "{bad}");
    }
}

#[test]
fn every_word_of_a_table_exists() {
    for flow in &FLOWS {
        assert!(flow.state(flow.initial).is_some(), "{:?}", flow.kind);
        check_unique("state", flow, flow.states.iter().map(|s| s.name));
        check_unique("action", flow, flow.actions.iter().map(|a| a.name));
        check_unique("field", flow, flow.fields.iter().map(|f| f.name));
        check_unique("deadline", flow, flow.deadlines.iter().map(|d| d.name));
        for action in flow.actions {
            let about = format!("{:?} {}", flow.kind, action.name);
            assert!(!action.from.is_empty(), "{about}");
            for state in action.from {
                assert!(flow.state(state).is_some_and(|s| !s.ended), "{about}: from {state}");
            }
            assert!(action.to.is_empty() || flow.state(action.to).is_some(), "{about}: to {}", action.to);
            for field in action.required.iter().chain(action.accepts).filter(|f| **f != "note") {
                assert!(flow.field(field).is_some(), "{about}: field {field}");
            }
            action.guards.iter().for_each(|g| check_guard(flow, *g));
        }
        check_deadlines(flow);
    }
}

#[track_caller]
fn check_guard(flow: &Flow, guard: Guard) {
    let fields: Vec<&str> = match guard {
        Guard::OtherPersonThan(f) | Guard::Set(f) | Guard::Future(f) => vec![f],
        Guard::FieldsWhen { field, required, .. } => required.iter().copied().chain([field]).collect(),
        Guard::CountBelow { field, profile: key } => {
            assert!(profile::built_in(key).is_some(), "{key}");
            vec![field]
        }
        Guard::NoOpenLinked(_) | Guard::LinkedHaveOwner(_) => vec![],
    };
    for field in fields {
        assert!(flow.field(field).is_some(), "{:?}: {guard:?}", flow.kind);
    }
}

#[track_caller]
fn check_deadlines(flow: &Flow) {
    for deadline in flow.deadlines {
        let about = format!("{:?} {}", flow.kind, deadline.name);
        assert!(!deadline.ladder.is_empty() && !deadline.after.is_empty(), "{about}");
        assert!(deadline.ladder[0].after.is_empty(), "{about}: the first step is at the deadline itself");
        for state in deadline.while_in {
            assert!(flow.state(state).is_some_and(|s| !s.ended), "{about}: in {state}");
        }
        for rung in deadline.ladder {
            assert!(rung.after.is_empty() || profile::built_in(rung.after).is_some(), "{about}: {}", rung.after);
            match rung.step {
                Step::Act(action) => assert!(flow.action(action).is_some(), "{about}: {action}"),
                Step::Superior => assert!(flow.field("escalated_to").is_some(), "{about}"),
                Step::Reassign => assert!(flow.action("reassign").is_some(), "{about}"),
                Step::Remind | Step::Overdue => {}
            }
        }
    }
}

#[test]
fn r5_every_deadline_has_an_origin_with_a_confidence() {
    let keys = |flow: &'static Flow| flow.deadlines.iter().flat_map(move |d| d.after.iter().map(move |a| (flow, *a)));
    for (flow, after) in FLOWS.iter().flat_map(keys) {
        match after {
            After::Profile(key) => assert!(profile::built_in(key).is_some(), "{key}"),
            After::ProfileBy(key, field) => {
                let FieldKind::Choice(choices) = flow.field(field).unwrap().kind else { panic!("{field}") };
                for (word, ..) in choices {
                    assert!(profile::built_in(&format!("{key}.{word}")).is_some(), "{key}.{word}");
                }
            }
            After::Field(field) | After::Within(field) => assert!(flow.field(field).is_some(), "{field}"),
        }
    }
    let mut seen = HashSet::new();
    for row in profile::BUILT_IN {
        assert!(seen.insert(row.key), "{} twice", row.key);
        assert!(["V", "S", "K", "G"].contains(&row.confidence) && !row.article.is_empty(), "{}", row.key);
        assert!(["s", "d", "count"].contains(&row.unit) && row.value > 0.0, "{}", row.key);
    }
}

#[test]
fn a_file_overrides_the_built_in_profile() {
    let mut settings = crate::desk::settings();
    assert_eq!(settings.value("order.ack.I"), Some(60.0));
    assert_eq!(&*settings.origin("order.ack.I").unwrap().confidence, "G");
    let value = response::ProfileValue {
        value: 45.0,
        unit: "s".into(),
        source: "本厅值班规定".into(),
        confidence: "K".into(),
        article: String::new(),
    };
    settings.profile.insert("order.ack.I".into(), value.clone());
    assert_eq!((settings.value("order.ack.I"), settings.origin("order.ack.I")), (Some(45.0), Some(value)));
    assert_eq!(settings.value("no.such.key"), None);
}

#[test]
fn every_label_is_there_in_chinese_and_english() {
    for flow in &FLOWS {
        let mut labels = vec![(flow.zh, flow.en)];
        labels.extend(flow.states.iter().map(|s| (s.zh, s.en)));
        labels.extend(flow.actions.iter().map(|a| (a.zh, a.en)));
        labels.extend(flow.fields.iter().map(|f| (f.zh, f.en)));
        labels.extend(flow.deadlines.iter().map(|d| (d.zh, d.en)));
        for field in flow.fields {
            if let FieldKind::Choice(choices) = field.kind {
                labels.extend(choices.iter().map(|c| (c.1, c.2)));
            }
        }
        for (zh, en) in labels {
            assert!(!zh.is_ascii() && !en.is_empty() && en.is_ascii(), "{:?}: {zh} / {en}", flow.kind);
        }
    }
}

#[test]
fn every_state_but_the_first_is_reached_by_some_action() {
    // States that creation itself chooses.
    let at_creation = ["draft", "scheduled", "assigned"];
    for flow in &FLOWS {
        for state in flow.states.iter().filter(|s| s.name != flow.initial && !at_creation.contains(&s.name)) {
            let reached = flow.actions.iter().any(|a| a.to == state.name);
            assert!(reached, "{:?}: nothing leads to {}", flow.kind, state.name);
        }
    }
    assert!(FLOWS.iter().flat_map(|f| f.actions).any(|a| a.by == By::System));
}
