//! 应急值守: rosters without gap or overlap (S1), vigilance (S2), roll-call (S3), hand-over (S4); drills as items.

use std::collections::BTreeSet;

use model::Time;
use proptest::prelude::*;
use response::{Crew, DarkSource, ItemId, Kind, RosterPattern, ShiftPattern, Value, WorkSettings};

use crate::desk::{Desk, at, party, red_alarm, refused, settings};

const MONTH: [(&str, &str); 1] = [("month", "2026-12")];

fn month(text: &str) -> [(&'static str, Value); 1] {
    [("month", text.into())]
}

fn spans(desk: &Desk) -> Vec<(Time, Time)> {
    let of = |s: &std::sync::Arc<response::Item>| (s.time("starts_at").unwrap(), s.time("ends_at").unwrap());
    let mut spans: Vec<(Time, Time)> = desk.book.open_of(Kind::Shift).map(of).collect();
    spans.sort();
    spans
}

#[test]
fn s1_a_month_is_made_from_the_pattern_in_local_time() {
    let mut desk = Desk::new();
    let events = desk.try_create("chief", Kind::Shift, &month(MONTH[0].1), &[], &[]).unwrap();
    assert_eq!(events.len(), 62);
    let first = &events[0].item;
    // 08:00 on 1 December 2026 in China is 00:00 UTC.
    assert_eq!(model::format_rfc3339(first.time("starts_at").unwrap()), "2026-12-01T00:00:00Z");
    assert_eq!(first.time("relief_at"), Some(first.time("starts_at").unwrap().plus_s(-600.0)));
    assert_eq!(model::format_rfc3339(events[61].item.time("ends_at").unwrap()), "2027-01-01T00:00:00Z");
    refused(desk.try_create("chief", Kind::Shift, &month("2026-12"), &[], &[]), "field_invalid");
    for bad in ["2026-13", "2026-1", "december", "2026-00", "+026-12"] {
        refused(desk.try_create("chief", Kind::Shift, &month(bad), &[], &[]), "field_invalid");
    }
    // The next month joins, with the crews in turn.
    desk.create("chief", Kind::Shift, &month("2027-01"), &[], &[]);
    let mains: Vec<String> = desk.book.open_of(Kind::Shift).map(|s| s.text("main").to_owned()).collect();
    for pair in mains.windows(2) {
        assert_ne!(pair[0], pair[1], "nobody stands two shifts in a row");
    }
}

/// 27 November, 08:00 in China: the night shift ends this moment, the day shift begins.
#[test]
fn s1_a_roster_made_within_its_month_begins_with_the_shift_that_runs() {
    for (after_s, shifts, main) in [(0.0, 8, "main-a"), (6.0 * 3_600.0, 8, "main-a"), (12.0 * 3_600.0, 7, "main-b")] {
        let mut desk = Desk::new();
        desk.now = at(after_s);
        let events = desk.try_create("chief", Kind::Shift, &month("2026-11"), &[], &[]).unwrap();
        let first = events[0].item.clone();
        assert_eq!((events.len(), first.text("main")), (shifts, main), "{after_s}");
        assert!(first.time("starts_at").unwrap() <= desk.now && first.time("ends_at").unwrap() > desk.now);
        let asked = [format!("await {}", first.id), format!("remind {}", first.id)];
        assert_eq!(desk.wait_until(after_s), asked, "asked for at once, not late since the morning");
        assert_eq!(desk.wait_until(after_s + 300.0), [format!("superior {}", first.id)]);
        desk.act(main, first.id, "take", &[]);
    }
    let mut desk = Desk::new();
    let refusal = refused(desk.try_create("chief", Kind::Shift, &month("2026-10"), &[], &[]), "field_invalid");
    assert!(refusal.to_string().contains("is over"), "{refusal}");
}

#[test]
fn s1_a_roster_made_in_the_first_night_of_a_month_has_somebody_on_duty_now() {
    // 2026-12-01 02:00 in the zone of the pattern; the night shift began on the last of November at 20:00.
    let night = model::Time(model::parse_rfc3339(b"2026-12-01T02:00:00+08:00").unwrap());
    let made = |month_before_first: bool| {
        let mut desk = Desk::new();
        desk.now = night;
        if month_before_first {
            desk.try_create("chief", Kind::Shift, &month("2026-11"), &[], &[]).unwrap();
        }
        let events = desk.try_create("chief", Kind::Shift, &month("2026-12"), &[], &[]).unwrap();
        let mut spans: Vec<_> =
            desk.book.open_of(Kind::Shift).map(|s| (s.time("starts_at"), s.time("ends_at"))).collect();
        spans.sort_unstable();
        assert!(spans[0].0 <= Some(night) && spans[0].1 > Some(night), "somebody is on duty now: {spans:?}");
        assert!(spans.windows(2).all(|pair| pair[0].1 == pair[1].0), "no gap and no overlap: {spans:?}");
        (events.len(), spans.len())
    };
    assert_eq!(made(false), (63, 63), "the running night and a month of 31 days");
    assert_eq!(made(true), (62, 63), "once only");
}

/// Lengths of a day's shifts in minutes; the last takes the rest.
fn pattern(starts_at: u32, cuts: &BTreeSet<u32>, crews: usize) -> RosterPattern {
    let bounds: Vec<u32> = [0].into_iter().chain(cuts.iter().copied()).chain([1_440]).collect();
    let shift = |w: &[u32]| ShiftPattern {
        name_zh: "班".into(),
        name_en: "shift".into(),
        starts_at: (starts_at + w[0] * 60) % 86_400,
        length_s: (w[1] - w[0]) * 60,
    };
    let crew = |n| Crew { leader: format!("leader-{n}"), main: format!("main-{n}"), ..Crew::default() };
    let shifts = bounds.windows(2).map(shift).collect();
    RosterPattern { shifts, crews: (0..crews).map(crew).collect(), utc_offset_s: 28_800 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn s1_no_gap_and_no_overlap_over_months(
        starts_at in 0_u32..86_400,
        cuts in proptest::collection::btree_set(1_u32..1_440, 0..4),
        crews in 1_usize..6,
        first in 1_u32..11,
    ) {
        let mut desk = Desk::with(WorkSettings { roster: pattern(starts_at, &cuts, crews), ..settings() });
        desk.strict = false;
        for number in [first, first + 1] {
            desk.try_create("chief", Kind::Shift, &month(&format!("2027-{number:02}")), &[], &[]).unwrap();
        }
        for pair in spans(&desk).windows(2) {
            prop_assert_eq!(pair[0].1, pair[1].0);
        }
    }
}

#[test]
fn a_pattern_with_a_gap_makes_no_roster() {
    let broken: [fn(&mut RosterPattern); 4] =
        [|r| r.shifts[0].length_s -= 60, |r| r.shifts[1].starts_at += 60, |r| r.crews.clear(), |r| r.shifts.clear()];
    for breaks in broken {
        let mut settings = settings();
        breaks(&mut settings.roster);
        let mut desk = Desk::with(settings);
        refused(desk.try_create("chief", Kind::Shift, &month("2026-12"), &[], &[]), "field_invalid");
    }
}

/// December's roster, and the first shift of it.
fn roster(desk: &mut Desk) -> ItemId {
    desk.create("chief", Kind::Shift, &month("2026-12"), &[], &[])
}

#[test]
fn a_watch_is_awaited_taken_by_its_crew_and_missed_aloud() {
    let mut desk = Desk::new();
    let shift = roster(&mut desk);
    let start = desk.item(shift).time("starts_at").unwrap().since_us(at(0.0)) as f64 / 1e6;
    let main = desk.item(shift).text("main").to_owned();
    assert_eq!(desk.wait_until(start - 600.0), [format!("await {shift}")]);
    assert_eq!(desk.wait_until(start), [format!("remind {shift}")], "nobody came");
    assert_eq!(desk.wait_until(start + 300.0), [format!("superior {shift}")]);
    refused(desk.try_act("passer-by", shift, "take", &[]), "field_invalid");
    let item = desk.act(&main, shift, "take", &[]);
    assert_eq!((item.owner.as_deref(), &*item.state), (Some(main.as_str()), "on_duty"));
}

#[test]
fn a_swap_needs_the_consent_of_another_person() {
    let mut desk = Desk::new();
    let shift = roster(&mut desk);
    let main = desk.item(shift).text("main").to_owned();
    let link = format!("shift:{shift}");
    let mut ask = |out: &str, to: &str| {
        let fields = [("out", out.into()), ("in", to.into()), ("text", "病假".into())];
        desk.try_create("zhou", Kind::Swap, &fields, &[&link], &[]).map(|e| e[0].item.id)
    };
    refused(ask("stranger", "wu"), "field_invalid");
    refused(ask(&main, &main), "field_invalid");
    let swap = ask(&main, "wu").unwrap();
    for who in ["zhou", "wu", &main] {
        refused(desk.try_act(who, swap, "approve", &[]), "second_person");
    }
    desk.act("chief", swap, "approve", &[]);
    assert_eq!(desk.item(shift).text("main"), "wu");
    refused(desk.try_act("chief", swap, "refuse", &[("note", "迟了".into())]), "state");
}

#[test]
fn s2_a_red_alarm_and_a_still_desk_call_the_leader() {
    let mut desk = Desk::new();
    desk.raise(&red_alarm(1, "gas.01"));
    desk.now = at(100.0);
    desk.operator("wang");
    assert_eq!(desk.wait_until(279.0), [""; 0], "three minutes from the last input");
    assert_eq!(desk.wait_until(280.0), ["create V-000001"]);
    desk.restart();
    assert_eq!(desk.wait_until(400.0), ["call_leader V-000001"]);
    desk.now = at(410.0);
    let events = desk.operator("wang");
    assert_eq!((&*events[0].action, &*events[0].item.state), ("answer", "answered"));
    assert_eq!(desk.wait_until(590.0), ["create V-000002"], "the alarm is still open: asked again");
    let system = model::Actor::system();
    let turn = response::Turn { now: desk.now, seq: desk.seq + 1, actor: &system };
    let events = desk.book.red_closed(turn, "A-000001");
    assert_eq!(&*events[0].item.state, "lapsed");
    desk.seq += 1;
    assert_eq!(desk.book.next_deadline(), None);
}

#[test]
fn s2_yellow_alarms_ask_nobody() {
    let mut desk = Desk::new();
    desk.raise(&response::AlarmRef { priority: model::Priority::II, ..red_alarm(1, "gas.01") });
    assert_eq!(desk.wait_until(10_000.0), [""; 0]);
}

/// A roll-call of 500; every third answers the first call, every seventh the second one, at its own second.
#[test]
fn s3_five_hundred_targets_have_a_result_each_within_a_minute() {
    let ids: Vec<String> = (0..500).map(|i| format!("post-{i:03}")).collect();
    let mut settings = settings();
    settings.parties.extend(ids.iter().map(|id| party(id, Some("hall"), &[])));
    let mut desk = Desk::with(settings);
    desk.strict = false;
    let targets = Value::List(ids.iter().map(|id| id.as_str().into()).collect());
    let task = desk.create("wang", Kind::RollCall, &[("title", "夜查".into()), ("targets", targets)], &[], &[]);
    let calls: Vec<ItemId> = desk.book.open_of(Kind::Call).map(|c| c.id).collect();
    assert_eq!(calls.len(), 500);
    let answer_at =
        |i: usize| if i.is_multiple_of(3) { Some(i % 29) } else { i.is_multiple_of(7).then(|| 31 + i % 23) };
    for second in 0..=60_usize {
        desk.wait_until(second as f64);
        for (i, call) in calls.iter().enumerate().filter(|(i, _)| answer_at(*i) == Some(second)) {
            let who = format!("party:{}", ids[i]);
            desk.act(&who, *call, "answer", &[("face_present", true.into())]);
        }
    }
    let item = desk.item(task);
    let answered = (0..500).filter(|i| answer_at(*i).is_some()).count() as f64;
    assert_eq!(&*item.state, "finished");
    assert_eq!((item.number("answered"), item.number("unanswered")), (Some(answered), Some(500.0 - answered)));
    for (i, call) in calls.iter().enumerate() {
        let last = desk.last(*call);
        assert!(last.ended_at.is_some_and(|t| t <= at(60.0)), "{call} has a result");
        assert_eq!(last.number("latency_s"), answer_at(i).map(|s| s as f64));
    }
    desk.act("wang", task, "circulate", &[("note", "通报全区".into())]);
    desk.act("wang", task, "close", &[]);
}

#[test]
fn a_random_roll_call_is_the_same_for_the_same_seed() {
    let chosen = |seed: f64| {
        let mut desk = Desk::new();
        let targets = ["brigade-1", "brigade-2", "brigade-3", "town", "chem-01"].map(Value::from).to_vec();
        let fields = [
            ("title", "抽查".into()),
            ("targets", Value::List(targets)),
            ("mode", "random".into()),
            ("sample", 2.0.into()),
            ("seed", seed.into()),
        ];
        desk.create("wang", Kind::RollCall, &fields, &[], &[]);
        desk.book.open_of(Kind::Call).map(|c| c.receiver.clone().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((chosen(1.0), chosen(1.0).len()), (chosen(1.0), 2));
    let all: BTreeSet<Vec<String>> = (0..64).map(|s| chosen(f64::from(s))).collect();
    assert!(all.len() > 10, "other seeds choose others");
}

#[test]
fn a_scheduled_roll_call_begins_by_itself() {
    let mut desk = Desk::new();
    let targets = Value::List(vec!["town".into()]);
    let fields = [("title", "查岗".into()), ("targets", targets), ("scheduled_at", at(3_600.0).into())];
    let task = desk.create("wang", Kind::RollCall, &fields, &[], &[]);
    assert_eq!(desk.state(task), "scheduled");
    desk.restart();
    assert_eq!(desk.wait_until(3_600.0), [format!("begin {task}"), "create C-000001".to_owned()]);
    assert_eq!(desk.wait_until(3_655.0).last().unwrap(), &format!("finish {task}"));
}

fn refs(desk: &Desk, handover: ItemId) -> Vec<String> {
    let entries = desk.item(handover).fields["entries"].as_list().to_vec();
    entries.iter().map(|e| e.part("ref").unwrap().as_text().unwrap().to_owned()).collect()
}

fn take(refs: &[String]) -> [(&'static str, Value); 1] {
    [("refs", Value::List(refs.iter().map(|r| r.as_str().into()).collect()))]
}

/// 200 open items of all kinds, two alarms and a dark source; then the shift changes.
#[test]
fn s4_a_shift_change_under_two_hundred_open_items_orphans_none() {
    let mut desk = Desk::new();
    let shift = roster(&mut desk);
    let start = desk.item(shift).time("starts_at").unwrap().since_us(at(0.0)) as f64 / 1e6;
    desk.wait_until(start);
    let main = desk.item(shift).text("main").to_owned();
    desk.act(&main, shift, "take", &[]);
    for i in 0..150 {
        let fields = [("content", "处置".into()), ("ack_within_s", 80_000.0.into())];
        let id = desk.create(&main, Kind::Order, &fields, &[], &["town"]);
        if i % 2 == 0 {
            desk.act(&main, id, "acknowledge", &[]);
        }
    }
    for _ in 0..50 {
        desk.create(&main, Kind::Incident, &[("title", "险情".into())], &[], &[]);
    }
    let mut shelved = red_alarm(2, "gas.02");
    shelved.state = "shelved".into();
    desk.sight.alarms = vec![red_alarm(1, "gas.01"), shelved];
    desk.sight.dark = vec![DarkSource { enterprise: "chem-02".into(), stale: 0, gateway_down: true }];
    let link = format!("shift:{shift}");
    let handover = desk.create(&main, Kind::Handover, &[("successor", "next".into())], &[&link], &[]);
    assert_eq!(desk.state(shift), "handing_over");
    let all = refs(&desk, handover);
    assert_eq!(all.len(), 203);
    // One is given to somebody else, the others are taken one by one while the world goes on.
    let (given, rest) = all.split_first().unwrap();
    desk.act(&main, handover, "give", &[take(std::slice::from_ref(given))[0].clone(), ("to", "li".into())]);
    refused(desk.try_act(&main, handover, "take", &take(rest)), "field_invalid");
    for part in rest.chunks(25) {
        desk.act("next", handover, "take", &take(part));
        desk.restart();
    }
    let late = desk.create(&main, Kind::Order, &[("content", "刚下达".into())], &[], &["town"]);
    desk.act(&main, handover, "sign_out", &[]);
    refused(desk.try_act(&main, handover, "sign_in", &[]), "field_invalid");
    desk.act("next", handover, "sign_in", &[]);
    // What came after the list was last shown passes on by itself: a flood must not hold up the change for ever.
    desk.act("next", handover, "complete", &[]);
    let entries = desk.last(handover).fields["entries"].as_list().to_vec();
    let arrived: Vec<_> = entries.iter().filter(|e| e.part("arrived").is_some()).collect();
    let text = |part: &str| arrived[0].part(part).unwrap().as_text().unwrap().to_owned();
    assert_eq!((arrived.len(), text("ref"), text("to")), (1, late.to_string(), "next".to_owned()));
    assert_eq!(desk.state(shift), "done");
    let orphans = desk.book.open().filter(|i| matches!(i.id.kind, Kind::Order | Kind::Incident));
    let orphans: Vec<_> = orphans.filter(|i| i.owner.as_deref() != Some("next")).map(|i| i.id).collect();
    assert_eq!(orphans, []);
    assert_eq!(desk.book.alarm_owner("A-000001"), Some("li"), "the one that was given away");
    assert_eq!(desk.book.alarm_owner("A-000002"), Some("next"));
    assert_eq!(desk.book.alarm_owner("dark:chem-02"), Some("next"), "a dark source has a keeper too");
}

#[test]
fn s4_a_hand_over_needs_both_signatures_and_every_entry() {
    let mut desk = Desk::new();
    desk.create("main-a", Kind::Order, &[("content", "处置".into())], &[], &["town"]);
    refused(desk.try_create("main-a", Kind::Handover, &[("successor", "main-a".into())], &[], &[]), "second_person");
    let handover = desk.create("main-a", Kind::Handover, &[("successor", "main-b".into())], &[], &[]);
    refused(desk.try_create("main-a", Kind::Handover, &[("successor", "main-c".into())], &[], &[]), "items_open");
    refused(desk.try_act("main-a", handover, "complete", &[]), "items_open");
    let unknown = take(&["O-000077".to_owned()]);
    refused(desk.try_act("main-b", handover, "take", &unknown), "not_found");
    let all = refs(&desk, handover);
    desk.act("main-b", handover, "take", &take(&all));
    refused(desk.try_act("main-b", handover, "complete", &[]), "field_required");
    desk.act("main-b", handover, "sign_in", &[]);
    refused(desk.try_act("main-b", handover, "complete", &[]), "field_required");
    refused(desk.try_act("main-b", handover, "sign_out", &[]), "second_person");
    desk.act("main-a", handover, "sign_out", &[]);
    desk.act("main-b", handover, "complete", &[]);
    assert_eq!(desk.last("O-000001".parse().unwrap()).owner.as_deref(), Some("main-b"));
}

/// From one to another with everything taken.
fn hand_over(desk: &mut Desk, from: &str, to: &str) {
    let handover = desk.create(from, Kind::Handover, &[("successor", to.into())], &[], &[]);
    let all = refs(desk, handover);
    if !all.is_empty() {
        desk.act(to, handover, "take", &take(&all));
    }
    desk.act(from, handover, "sign_out", &[]);
    desk.act(to, handover, "sign_in", &[]);
    desk.act(to, handover, "complete", &[]);
}

#[test]
fn s4_a_dark_source_has_a_keeper_from_hand_over_to_hand_over() {
    let mut desk = Desk::new();
    let dark = |enterprise: &str| DarkSource { enterprise: enterprise.into(), stale: 3, gateway_down: true };
    let keepers = |desk: &Desk| -> Vec<(String, Option<String>)> {
        desk.book.open_loops(&desk.sight).into_iter().map(|l| (l.reference, l.owner)).collect()
    };
    desk.sight.dark = vec![dark("chem-01"), dark("chem-02")];
    assert!(keepers(&desk).iter().all(|(_, owner)| owner.is_none()));
    hand_over(&mut desk, "main-a", "main-b");
    desk.restart();
    let of = |who: &str, all: &[&str]| -> Vec<(String, Option<String>)> {
        all.iter().map(|e| (format!("dark:{e}"), Some(who.to_owned()))).collect()
    };
    assert_eq!(keepers(&desk), of("main-b", &["chem-01", "chem-02"]));
    // One comes back: at the next hand-over nobody keeps it any more.
    desk.sight.dark = vec![dark("chem-02")];
    hand_over(&mut desk, "main-b", "main-c");
    desk.sight.dark = vec![dark("chem-01"), dark("chem-02")];
    assert_eq!(keepers(&desk), [vec![("dark:chem-01".to_owned(), None)], of("main-c", &["chem-02"])].concat());
}

#[test]
fn s4_what_both_saw_and_nobody_took_still_blocks() {
    let mut desk = Desk::new();
    let seen = desk.create("main-a", Kind::Order, &[("content", "处置".into())], &[], &["town"]);
    let handover = desk.create("main-a", Kind::Handover, &[("successor", "main-b".into())], &[], &[]);
    desk.create("main-a", Kind::Order, &[("content", "刚下达".into())], &[], &["town"]);
    desk.act("main-a", handover, "sign_out", &[]);
    desk.act("main-b", handover, "sign_in", &[]);
    let refusal = refused(desk.try_act("main-b", handover, "complete", &[]), "items_open");
    assert_eq!(refusal.to_string(), format!("still open: {seen}"), "only what was on the list");
    desk.act("main-b", handover, "refresh", &[]);
    refused(desk.try_act("main-b", handover, "complete", &[]), "items_open");
}

#[test]
fn overdue_hidden_dangers_are_handed_over_others_are_not() {
    let mut desk = Desk::new();
    let fields = [("title", "法兰渗漏".into()), ("source", "hotline".into())];
    let late = desk.create("wang", Kind::HiddenDanger, &fields, &[], &[]);
    desk.wait_until(90_000.0);
    desk.create("wang", Kind::HiddenDanger, &fields, &[], &[]);
    let handover = desk.create("main-a", Kind::Handover, &[("successor", "main-b".into())], &[], &[]);
    assert_eq!(refs(&desk, handover), [late.to_string()]);
}

#[test]
fn notes_of_the_duty_log_are_typed_and_final() {
    let mut desk = Desk::new();
    let fields = |kind: &str| [("type", kind.into()), ("text", "市局来电询问".into())];
    let events = desk.try_create("wang", Kind::Note, &fields("call"), &[], &[]).unwrap();
    assert!(events[0].item.ended_at.is_some());
    assert_eq!(desk.book.open_of(Kind::Note).count(), 0);
    refused(desk.try_create("wang", Kind::Note, &fields("gossip"), &[], &[]), "field_invalid");
}

#[test]
fn drills_that_are_owed_are_planned_and_planned_again() {
    let mut settings = settings();
    settings.drill_obligations = vec![response::DrillObligation {
        party: "chem-01".into(),
        every_d: 182.0,
        source: "国务院令第708号".into(),
        confidence: "V".into(),
        article: "第八条".into(),
    }];
    let mut desk = Desk::with(settings);
    let drill = desk.book.open_of(Kind::Drill).next().unwrap().id;
    assert_eq!(desk.item(drill).deadline("hold_by").unwrap().at, at(182.0 * 86_400.0));
    desk.now = at(86_400.0);
    desk.act("chief", drill, "write_script", &[("script", Value::List(vec!["泄漏".into()]))]);
    desk.acts("chief", drill, "begin end");
    let finding = |becomes: &str| [("finding", "值班电话无人接".into()), ("becomes", becomes.into())];
    desk.act("chief", drill, "add_finding", &finding("lesson"));
    desk.act("chief", drill, "add_finding", &finding("hidden_danger"));
    desk.act("chief", drill, "assess", &[("score", 82.0.into()), ("assessment", "基本达到目标".into())]);
    refused(desk.try_act("chief", drill, "archive", &[]), "items_open");
    desk.act("chief", "L-000001".parse().unwrap(), "assign", &[("assignee", "zhao".into())]);
    desk.act("chief", drill, "archive", &[]);
    let next = desk.book.open_of(Kind::Drill).next().unwrap();
    assert_eq!(next.deadline("hold_by").unwrap().at, at(183.0 * 86_400.0), "half a year after the one held");
    let danger = desk.book.open_of(Kind::HiddenDanger).next().unwrap();
    assert_eq!((danger.text("source"), danger.text("enterprise")), ("drill", "chem-01"));
}
