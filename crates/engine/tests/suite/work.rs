//! The work systems inside the engine: facts in the one stream, deadlines on its heap, alarms that reopen and prompt.

use std::sync::Arc;

use alarm::{AlarmId, ConditionKind};
use engine::{AlarmAction, Engine, Event, FactBody, LinkChange, LinkScope, Refusal};
use model::{GatewayIndex, Priority};
use response::{Fields, ItemId, Kind, Link, Provenance, Value, WorkCommand, WorkRefusal, WorkSettings};

use crate::hall::{Hall, at, condition, officer, tag};

pub fn create(kind: Kind, fields: &[(&str, Value)], links: &[(&str, &str)], receivers: &[&str]) -> WorkCommand {
    WorkCommand::Create {
        kind,
        fields: fields.iter().map(|(n, v)| ((*n).into(), v.clone())).collect(),
        links: links.iter().map(|(rel, to)| Link::new(rel, *to)).collect(),
        receivers: receivers.iter().map(|r| (*r).to_owned()).collect(),
        provenance: Provenance::Real,
        seen: None,
    }
}

/// Acts on an item as it stands; `note` among the fields is the note.
pub fn act(hall: &Hall, id: ItemId, action: &str, fields: &[(&str, Value)]) -> WorkCommand {
    let seq = hall.engine.book().get(id).map_or(0, |i| i.seq);
    let mut fields: Fields = fields.iter().map(|(n, v)| ((*n).into(), v.clone())).collect();
    let note = fields.remove("note").and_then(|v| v.as_text().map(str::to_owned)).unwrap_or_default();
    WorkCommand::Act { item: id, seq, action: action.into(), fields, note, attachments: vec![] }
}

fn order(within_s: f64) -> WorkCommand {
    create(Kind::Order, &[("content", "到场".into()), ("ack_within_s", within_s.into())], &[], &["brigade-1"])
}

/// A red alarm above 50 on one tag.
fn red_hall() -> Hall {
    let mut c = condition(0, ConditionKind::High(50.0));
    c.priority = Priority::I;
    Hall::new(vec![tag("gas.01")], vec![c])
}

#[test]
fn commands_and_their_consequences_are_facts_without_a_gap() {
    let mut hall = red_hall();
    hall.read(0, 1.0, 60.0);
    let outcome = hall.work(
        2.0,
        "wang",
        create(Kind::Order, &[("content", "到场".into())], &[("alarm", "A-000001")], &["b1", "b2"]),
    );
    let outcome = outcome.unwrap();
    assert_eq!((outcome.alarm, outcome.items.len(), outcome.seq), (Some(AlarmId(1)), 2, 2));
    let seqs: Vec<u64> = hall.facts.iter().map(|f| f.seq).collect();
    assert_eq!(seqs, [1, 2, 3]);
    for fact in &hall.facts[1..] {
        let FactBody::Work(event) = &fact.body else { panic!() };
        assert_eq!(event.item.seq, fact.seq);
    }
}

#[test]
fn r3_a_refused_command_changes_no_state() {
    let mut hall = red_hall();
    let id = hall.work(1.0, "wang", order(60.0)).unwrap().items[0];
    hall.read(0, 2.0, 60.0);
    let (before, due) = (hall.engine.book().clone(), hall.engine.next_deadline());
    let verify = act(&hall, id, "verify", &[]);
    let refused = hall.work(2.0, "wang", verify);
    assert!(matches!(refused, Err(Refusal::Work(WorkRefusal::State { .. }))), "{refused:?}");
    assert_eq!((hall.engine.next_deadline(), hall.facts.len()), (due, 2));
    assert!(*hall.engine.book() == before, "not even the watch takes it for a sign of life: it is not journalled");
}

#[test]
fn r2_deadlines_are_the_engines_and_survive_a_kill() {
    let mut hall = red_hall();
    hall.work(0.0, "wang", order(100.0)).unwrap();
    hall.work(0.0, "wang", order(200.0)).unwrap();
    assert_eq!(hall.engine.next_deadline(), Some(at(100.0)));
    hall.tick(99.9);
    assert_eq!(hall.works().len(), 2);
    hall.tick(100.0);
    assert_eq!(hall.works()[2..], ["remind O-000001"]);
    hall.restart(150.0);
    // What fell due while it was down is told at once, each step once, with its own time.
    let due = hall.facts.iter().filter_map(|f| match &f.body {
        FactBody::Work(e) => match &e.cause {
            response::Cause::Deadline { rung, due, .. } => Some((e.item.id.number, *rung, *due)),
            _ => None,
        },
        _ => None,
    });
    let due: Vec<_> = due.collect();
    assert_eq!(due, [(1, 1, at(100.0)), (1, 2, at(160.0)), (2, 1, at(200.0)), (1, 3, at(220.0))]);
    hall.restart(0.0);
    assert_eq!(hall.engine.next_deadline(), Some(at(260.0)));
}

#[test]
fn the_same_inputs_give_the_same_facts_with_and_without_restarts() {
    let run = |restarts: bool| {
        let mut hall = red_hall();
        for i in 0..60 {
            let s = f64::from(i) * 10.0;
            hall.read(0, s, if i % 6 < 3 { 60.0 } else { 20.0 });
            if i % 5 == 0 {
                hall.work(s, "wang", order(25.0)).unwrap();
            }
            if restarts {
                let bytes = postcard::to_stdvec(&hall.engine.snapshot()).unwrap();
                let snapshot = postcard::from_bytes(&bytes).unwrap();
                hall.engine = Engine::restore(snapshot, hall.engine.rules().clone()).unwrap();
            }
        }
        hall.facts
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn h6_the_tag_of_a_closed_hidden_danger_alarms_again() {
    let mut hall = red_hall();
    hall.read(0, 1.0, 60.0);
    let danger = create(Kind::HiddenDanger, &[], &[("alarm", "A-000001")], &[]);
    let id = hall.work(2.0, "wang", danger).unwrap().items[0];
    let item = hall.engine.book().get(id).unwrap();
    assert_eq!(item.linked("tag").collect::<Vec<_>>(), ["plant/gas.01"]);
    type Act = (&'static str, &'static str, Vec<(&'static str, Value)>);
    let steps: [Act; 7] = [
        ("wang", "verify", vec![]),
        ("wang", "grade", vec![("grade", "general".into()), ("grade_ground", "一般".into())]),
        ("wang", "assign", vec![("responsible", "厂长".into())]),
        ("boss", "start", vec![]),
        ("boss", "complete", vec![("note", "完成".into())]),
        ("li", "pass", vec![("note", "合格".into())]),
        ("li", "close", vec![]),
    ];
    for (who, action, fields) in steps {
        let command = act(&hall, id, action, &fields);
        hall.work(3.0, who, command).unwrap();
    }
    hall.read(0, 10.0, 20.0);
    hall.ack(11.0, 1).unwrap();
    hall.restart(60.0);
    hall.read(0, 100.0, 20.0).read(0, 110.0, 70.0);
    assert_eq!(hall.works().last().unwrap(), "create H-000002");
    let again = hall.engine.book().open_of(Kind::HiddenDanger).next().unwrap();
    assert_eq!(again.linked("recurrence_of").collect::<Vec<_>>(), ["H-000001"]);
}

#[test]
fn s2_a_red_alarm_that_nobody_touches_prompts_and_then_calls_the_leader() {
    let mut hall = red_hall();
    hall.read(0, 0.0, 60.0);
    hall.tick(180.0);
    assert_eq!(hall.works(), ["create V-000001"]);
    hall.tick(300.0);
    assert_eq!(hall.works()[1], "call_leader V-000001");
    hall.ack(310.0, 1).unwrap();
    assert_eq!(hall.works()[2], "answer V-000001", "any command is a sign of life");
    hall.read(0, 320.0, 20.0);
    assert_eq!(hall.engine.open_alarms().len(), 0);
    hall.tick(3_000.0);
    assert_eq!(hall.works().len(), 3, "nothing red is open");
}

#[test]
fn s2_a_shelved_red_alarm_prompts_nobody_until_it_is_back() {
    let mut hall = red_hall();
    hall.read(0, 0.0, 60.0);
    let shelve = || AlarmAction::Shelve { for_s: Some(1_000.0), reason: "检修".into() };
    hall.act(50.0, 1, shelve()).unwrap();
    hall.act_by(60.0, "li", 1, shelve()).unwrap();
    hall.tick(1_059.0);
    assert_eq!(hall.works(), [""; 0]);
    hall.tick(1_060.0);
    hall.tick(1_240.0);
    assert_eq!(hall.works(), ["create V-000001"], "three minutes after the shelving ran out");
}

#[test]
fn s4_a_hand_over_lists_shelved_alarms_and_dark_sources() {
    let mut quiet = tag("gas.02");
    quiet.period_s = Some(10.0);
    let mut hall = Hall::new(vec![tag("gas.01"), quiet], vec![condition(0, ConditionKind::High(50.0))]);
    hall.read(1, 0.0, 1.0).read(0, 1.0, 60.0);
    hall.act(2.0, 1, AlarmAction::Shelve { for_s: Some(3_600.0), reason: "检修".into() }).unwrap();
    let link =
        LinkChange { scope: LinkScope::Gateway(GatewayIndex(0), "plant".into()), up: false, reason: "will".into() };
    hall.step(3.0, Event::Link(link));
    let handover = create(Kind::Handover, &[("successor", "li".into())], &[], &[]);
    let id = hall.work(4.0, "wang", handover).unwrap().items[0];
    let entries = hall.engine.book().get(id).unwrap().fields["entries"].as_list().to_vec();
    let part = |i: usize, part: &str| entries[i].part(part).unwrap().as_text().unwrap().to_owned();
    assert_eq!((part(0, "ref"), part(0, "state")), ("A-000001".into(), "shelved".into()));
    assert_eq!((part(1, "ref"), part(1, "why")), ("dark:plant".into(), "网关离线".into()));
}

#[test]
fn settings_come_into_force_once_and_are_in_the_snapshot() {
    let mut hall = red_hall();
    let settings = Arc::new(WorkSettings {
        parties: vec![response::Party { id: "brigade-1".into(), ..Default::default() }],
        ..WorkSettings::default()
    });
    hall.step(1.0, Event::Work(settings.clone(), officer()));
    hall.step(2.0, Event::Work(settings.clone(), officer()));
    assert_eq!(hall.facts.len(), 1, "the same again says nothing");
    hall.restart(1.0);
    assert_eq!(hall.engine.book().settings(), &settings);
    let unknown = create(Kind::Order, &[("content", "到场".into())], &[], &["nobody"]);
    let refused = hall.work(4.0, "wang", unknown);
    assert!(matches!(refused, Err(Refusal::Work(WorkRefusal::NotFound { .. }))), "{refused:?}");
}
