//! 指挥调度: D1 to D5 as far as they are the kernel's.

use response::{Kind, Value};

use crate::desk::{Desk, act, at, red_alarm, refused};

fn order(desk: &mut Desk, receiver: &str) -> response::ItemId {
    let fields = [("content", "到场处置".into()), ("priority", "I".into())];
    desk.create("wang", Kind::Order, &fields, &[], &[receiver])
}

/// Actions of one order as one word each; the result is its last state.
#[track_caller]
fn check(actions: &str, expected: &str) {
    let mut desk = Desk::new();
    let id = order(&mut desk, "brigade-1");
    desk.acts("wang", id, actions);
    assert_eq!(desk.state(id), expected, "{actions}");
}

#[test]
fn normal_lives() {
    check("deliver acknowledge start complete verify close", "closed");
    check("acknowledge arrive complete close", "closed");
    check("deliver acknowledge start arrive work complete return", "done");
}

#[test]
fn d1_an_order_from_an_alarm_needs_a_receiver_and_a_text_only() {
    let mut desk = Desk::new();
    desk.sight.alarms = vec![red_alarm(12, "gas.01")];
    let id = desk.create("wang", Kind::Order, &[("content", "到场".into())], &["alarm:A-000012"], &["brigade-1"]);
    let item = desk.item(id);
    assert_eq!((&*item.state, item.text("receiver_name"), item.text("priority")), ("issued", "brigade-1 队", "III"));
    assert_eq!(item.deadline("ack").unwrap().at, at(300.0), "from the profile");
    assert_eq!(&*item.deadline("ack").unwrap().profile, "order.ack.III");
    assert_eq!(desk.book.linked("A-000012").count(), 1);
}

#[test]
fn d2_overdue_comes_from_deadlines_only() {
    let mut desk = Desk::new();
    let id = order(&mut desk, "brigade-1");
    desk.wait_until(59.9);
    assert!(!desk.item(id).overdue());
    assert_eq!(desk.wait_until(60.0), ["remind O-000001"]);
    let item = desk.item(id);
    assert_eq!((item.overdue(), item.deadline("ack").unwrap().overdue_since()), (true, Some(at(60.0))));
    desk.act("wang", id, "acknowledge", &[]);
    assert!(!desk.item(id).overdue(), "the deadline is met, however late");
}

#[test]
fn a_person_may_remind_and_the_ladder_goes_on_as_before() {
    let mut desk = Desk::new();
    let id = order(&mut desk, "brigade-1");
    for s in [10.0, 20.0] {
        desk.now = at(s);
        desk.act("wang", id, "remind", &[("note", "请速签收".into())]);
    }
    let item = desk.item(id);
    assert_eq!((item.number("remind_count"), item.time("reminded_at")), (Some(2.0), Some(at(20.0))));
    assert_eq!((item.deadline("ack").unwrap().at, item.deadline("ack").unwrap().rung), (at(60.0), 0));
    assert_eq!(item.log.iter().filter(|e| &*e.action == "remind" && e.by.account == "wang").count(), 2);
    let told = desk.wait_until(240.0);
    assert_eq!(told[..4], ["remind O-000001", "remind O-000001", "superior O-000001", "reassign O-000001"]);
    let second = desk.book.open_of(Kind::Order).next().unwrap().id;
    refused(desk.try_act("party:brigade-2", second, "remind", &[]), "not_found");
    desk.acts("wang", second, "acknowledge complete");
    refused(desk.try_act("wang", second, "remind", &[]), "state");
}

#[test]
fn an_unanswered_order_climbs_the_ladder_and_goes_to_a_substitute() {
    let mut desk = Desk::new();
    let first = order(&mut desk, "brigade-1");
    let told = desk.wait_until(240.0);
    assert_eq!(
        told,
        ["remind O-000001", "remind O-000001", "superior O-000001", "reassign O-000001", "create O-000002"]
    );
    assert_eq!(desk.last(first).text("escalated_to"), "hall");
    let second = desk.book.open_of(Kind::Order).next().unwrap().clone();
    assert_eq!((second.receiver.as_deref(), &*second.state), (Some("brigade-2"), "issued"));
    assert_eq!(second.linked("order").collect::<Vec<_>>(), ["O-000001"]);
    // Its own substitute was tried already: it stays, overdue, and says that nobody is left.
    let told = desk.wait_until(600.0);
    assert_eq!(told.last().unwrap(), "unanswered O-000002");
    assert!(desk.item(second.id).overdue());
    assert!(desk.wait_until(3_000.0).iter().all(|t| !t.contains("reassign")));
}

#[test]
fn a_refused_order_is_told_to_the_superior_and_goes_to_a_substitute() {
    let mut desk = Desk::new();
    let id = order(&mut desk, "brigade-1");
    desk.now = at(10.0);
    desk.act("wang", id, "reject", &[("note", "车辆故障".into())]);
    assert_eq!(desk.wait_until(69.9), [""; 0]);
    assert_eq!(desk.wait_until(70.0), ["superior O-000001"]);
    assert_eq!(desk.wait_until(130.0), ["reassign O-000001", "create O-000002"]);
    assert_eq!(desk.book.open_of(Kind::Order).next().unwrap().receiver.as_deref(), Some("brigade-2"));
}

#[test]
fn d3_one_order_to_n_receivers_is_n_tracks() {
    let mut desk = Desk::new();
    let fields = [("content", "撤离".into())];
    let events = desk.try_create("wang", Kind::Order, &fields, &[], &["brigade-1", "brigade-2", "town"]).unwrap();
    let ids: Vec<_> = events.iter().map(|e| e.item.id).collect();
    assert_eq!(ids.len(), 3);
    desk.act("wang", ids[0], "acknowledge", &[]);
    desk.act("wang", ids[1], "reject", &[("note", "车辆故障".into())]);
    let states: Vec<String> = ids.iter().map(|id| desk.state(*id)).collect();
    assert_eq!(states, ["acknowledged", "rejected", "issued"]);
}

#[test]
fn d4_no_order_is_lost_or_doubled_over_restarts_at_every_step() {
    let mut desk = Desk::new();
    let mut seen = vec![];
    for second in 0..400 {
        if second % 10 == 0 {
            order(&mut desk, ["brigade-1", "brigade-2", "town"][second / 10 % 3]);
        }
        seen.extend(desk.wait_until(second as f64));
        desk.restart();
    }
    let mut calm = Desk::new();
    let mut expected = vec![];
    for second in 0..400 {
        if second % 10 == 0 {
            order(&mut calm, ["brigade-1", "brigade-2", "town"][second / 10 % 3]);
        }
        expected.extend(calm.wait_until(second as f64));
    }
    assert_eq!(seen, expected, "a restart changes nothing");
    assert_eq!(desk.told, calm.told);
}

#[test]
fn d5_team_states_have_times() {
    let mut desk = Desk::new();
    let id = order(&mut desk, "brigade-1");
    let steps = [("acknowledge", 10.0), ("start", 20.0), ("arrive", 300.0), ("work", 320.0), ("complete", 900.0)];
    for (action, s) in steps.into_iter().chain([("return", 1_200.0)]) {
        desk.now = at(s);
        desk.act("wang", id, action, &[]);
    }
    let item = desk.item(id);
    let times = ["acknowledged_at", "departed_at", "arrived_at", "working_at", "done_at", "returned_at"];
    let times: Vec<_> = times.iter().map(|t| item.time(t).unwrap()).collect();
    assert_eq!(times, [10.0, 20.0, 300.0, 320.0, 900.0, 1_200.0].map(at));
    assert_eq!(item.text("team_state"), "returned");
}

#[test]
fn feedback_is_asked_for_again_and_again() {
    let mut desk = Desk::new();
    let fields =
        [("content", "监测".into()), ("feedback_every_s", 100.0.into()), ("complete_within_s", 9_000.0.into())];
    let id = desk.create("wang", Kind::Order, &fields, &[], &["town"]);
    desk.act("wang", id, "acknowledge", &[]);
    desk.wait_until(90.0);
    desk.act("wang", id, "feedback", &[("note", "正常".into()), ("percent", 40.0.into())]);
    assert_eq!(desk.wait_until(189.0), [""; 0]);
    assert_eq!(desk.wait_until(190.0), [format!("remind {id}")]);
    desk.act("wang", id, "feedback", &[("note", "正常".into())]);
    assert_eq!(desk.item(id).number("feedback_count"), Some(2.0));
    assert_eq!(desk.item(id).deadline("feedback").unwrap().at, at(290.0));
}

#[test]
fn receivers_must_be_known_and_under_the_hall() {
    let mut desk = Desk::new();
    let fields = [("content", "到场".into())];
    let mut try_to = |receivers: &[&str]| desk.try_create("wang", Kind::Order, &fields, &[], receivers);
    refused(try_to(&["nobody"]), "not_found");
    refused(try_to(&["elsewhere"]), "outside_command_chain");
    refused(try_to(&["brigade-1", "elsewhere"]), "outside_command_chain");
    refused(try_to(&["brigade-1", "brigade-1"]), "field_invalid");
    refused(try_to(&[]), "field_required");
    refused(try_to(&["", "brigade-1"]), "field_required");
    assert!(try_to(&["brigade-3"]).is_ok(), "two steps under the hall");
}

#[test]
fn a_party_acts_on_its_own_orders_only() {
    let mut desk = Desk::new();
    let id = order(&mut desk, "brigade-1");
    refused(desk.try_act("party:brigade-2", id, "acknowledge", &[]), "not_found");
    desk.act("party:brigade-1", id, "acknowledge", &[]);
    refused(desk.try_act("party:brigade-1", id, "revoke", &[("note", "不想去".into())]), "not_found");
    let fields = [("content", "到场".into())];
    refused(desk.try_create("party:brigade-1", Kind::Order, &fields, &[], &["brigade-2"]), "not_found");
}

#[test]
fn two_officers_at_once_the_second_is_told_who_and_when() {
    let mut desk = Desk::new();
    let id = order(&mut desk, "brigade-1");
    let seen = desk.item(id).seq;
    desk.now = at(5.0);
    desk.act("li", id, "acknowledge", &[]);
    let refusal = refused(desk.command("wang", &act(id, seen, "deliver", &[])), "version_conflict");
    let response::WorkRefusal::VersionConflict { by, at: when, seen: 1, current: 2, .. } = refusal else { panic!() };
    assert_eq!((by.as_str(), when), ("LI", at(5.0)));
    // The same once the order is ended.
    desk.acts("li", id, "complete close");
    refused(desk.command("wang", &act(id, seen, "deliver", &[])), "version_conflict");
}

#[test]
fn a_draft_waits_until_it_is_issued() {
    let mut desk = Desk::new();
    let fields = [("content", "撤离".into()), ("draft", true.into())];
    let id = desk.create("wang", Kind::Order, &fields, &[], &["town"]);
    assert!(desk.item(id).deadlines.is_empty());
    desk.act("wang", id, "edit", &[("content", "向上风向撤离".into())]);
    desk.now = at(100.0);
    desk.act("wang", id, "issue", &[]);
    assert_eq!(desk.item(id).deadline("ack").unwrap().at, at(400.0));
    assert_eq!(desk.item(id).title, "向上风向撤离");
}

#[test]
fn bad_fields_are_named() {
    let mut desk = Desk::new();
    let mut check = |field: &str, value: Value, expected: &str| {
        let fields = [("content", "到场".into()), (field, value)];
        refused(desk.try_create("wang", Kind::Order, &fields, &[], &["town"]), expected);
    };
    check("content", " ".into(), "field_required");
    check("priority", "VI".into(), "field_invalid");
    check("ack_within_s", (-1.0).into(), "field_invalid");
    check("ack_within_s", f64::NAN.into(), "field_invalid");
    check("ack_within_s", "60".into(), "field_invalid");
    check("ack_due", at(-1.0).into(), "field_invalid");
    check("place", "a\0b".into(), "field_invalid");
    check("place", "长".repeat(501).into(), "field_invalid");
    check("done_at", at(1.0).into(), "field_invalid");
    check("no_such_field", true.into(), "field_invalid");
}
