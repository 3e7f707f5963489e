//! The acceptance criteria of alarms (domain §2.1) that the engine alone decides, by their labels.

use alarm::{Cause, ConditionKind, State};
use engine::{AlarmAction, Event, LinkChange, LinkScope, Refusal};
use model::{Actor, GatewayIndex, Priority, Reading};
use proptest::prelude::*;

use crate::hall::{Hall, at, condition, officer, tag};
use crate::script::{cases, program};

/// A red alarm above 50, raised.
fn red() -> Hall {
    let mut c = condition(0, ConditionKind::High(50.0));
    c.priority = Priority::I;
    let mut hall = Hall::new(vec![tag("a")], vec![c]);
    hall.read(0, 1.0, 60.0);
    hall
}

fn shelve(for_s: f64) -> AlarmAction {
    AlarmAction::Shelve { for_s: Some(for_s), reason: "检修".into() }
}

#[test]
fn a4_shelving_needs_a_reason_and_an_end_within_the_maximum_and_expiry_sounds_again() {
    let mut hall = Hall::new(vec![tag("a")], vec![condition(0, ConditionKind::High(50.0))]);
    hall.read(0, 1.0, 60.0);
    let blank = hall.act(2.0, 1, AlarmAction::Shelve { for_s: Some(60.0), reason: " ".into() });
    assert_eq!(blank, Err(Refusal::FieldRequired { field: "reason".into() }));
    let max = hall.engine.rules().hall.shelve_max_s;
    for for_s in [0.0, -1.0, max + 1.0, f64::NAN] {
        assert!(matches!(hall.act(2.0, 1, shelve(for_s)), Err(Refusal::FieldInvalid { .. })), "{for_s}");
    }
    hall.act(2.0, 1, shelve(60.0)).unwrap();
    hall.tick(62.0);
    let last = hall.transitions().last().unwrap();
    assert_eq!((last.cause, last.annunciation), (Cause::ShelveExpired, alarm::Annunciation::Individual));
    hall.act(70.0, 1, shelve(60.0)).unwrap();
    hall.read(0, 80.0, 10.0);
    hall.ack(81.0, 1).unwrap();
    hall.tick(140.0);
    assert_eq!(hall.engine.open_alarms(), vec![], "an alarm that is over does not come back");
}

#[test]
fn a4_a_red_alarm_is_shelved_by_two_people_only() {
    let mut hall = red();
    hall.act(2.0, 1, shelve(600.0)).unwrap();
    let shown = hall.engine.open_alarms().remove(0);
    assert_eq!(shown.state, State::Unacknowledged, "asked for is not done");
    assert_eq!(shown.shelve_request.map(|r| (r.by.name, r.for_s)), Some(("王".into(), Some(600.0))));
    let same = hall.act(3.0, 1, shelve(600.0));
    assert_eq!(same, Err(Refusal::SecondPerson { id: "A-000001".into(), account: "wang".into() }));
    hall.restart(1.0);
    let long = hall.act_by(5.0, "li", 1, shelve(601.0));
    assert!(matches!(long, Err(Refusal::FieldInvalid { .. })), "for no longer than was asked: {long:?}");
    hall.act_by(6.0, "li", 1, shelve(300.0)).unwrap();
    let shown = hall.engine.open_alarms().remove(0);
    assert_eq!((shown.state, shown.shelve_request), (State::Shelved, None));
    assert_eq!(shown.shelving.unwrap().until, at(306.0));
    assert_eq!(hall.story(), "1:Raised 1:ShelveRequested 1:Shelved");
}

#[test]
fn a4_a_request_that_nobody_agreed_to_is_void() {
    let mut hall = red();
    hall.act(2.0, 1, shelve(60.0)).unwrap();
    hall.act_by(700.0, "li", 1, shelve(60.0)).unwrap();
    assert_eq!(hall.story(), "1:Raised 1:ShelveRequested 1:ShelveRequested", "ten minutes later it is a new request");
    hall.read(0, 701.0, 10.0);
    hall.ack(702.0, 1).unwrap();
    hall.read(0, 703.0, 60.0);
    hall.act(704.0, 2, shelve(60.0)).unwrap();
    assert_eq!(hall.engine.open_alarms()[0].state, State::Unacknowledged, "the next alarm is asked for anew");
}

#[test]
fn a5_a_hundred_identical_triggers_are_one_active_alarm_with_every_occurrence_counted() {
    let mut hall = Hall::new(vec![tag("a")], vec![condition(0, ConditionKind::High(50.0))]);
    for _ in 0..100 {
        hall.read(0, 1.0, 60.0);
    }
    for gateway in 1..100 {
        hall.give(1.0, Reading { gateway: GatewayIndex(gateway), ..Hall::reading(0, 1.0, 60.0) });
    }
    assert_eq!(hall.story(), "1:Raised");
    // It goes and comes back n times more, slower than chatter: one of them is active, and each is counted.
    for n in 0..4 {
        let s = 40.0 * f64::from(n + 1);
        hall.read(0, s, 10.0).read(0, s + 1.0, 60.0);
    }
    let open = hall.engine.open_alarms();
    assert_eq!(open.iter().filter(|a| a.active).count(), 1, "{}", hall.story());
    assert_eq!(open.iter().map(|a| a.occurrences).sum::<u32>(), 5);
}

#[test]
fn a6_a_silent_tag_is_told_within_two_seconds_and_its_alarms_are_marked_never_cleared() {
    let mut settings = tag("a");
    (settings.period_s, settings.stale_factor) = (Some(10.0), 2.0);
    let limits = vec![condition(0, ConditionKind::High(50.0)), condition(0, ConditionKind::Stale)];
    let mut hall = Hall::new(vec![settings, tag("b")], limits);
    hall.read(0, 0.0, 60.0);
    let mut told = None;
    // Another tag of the gateway lives, and the clock ticks ten times a second, as the hall's does.
    for tenth in 1..400 {
        let s = f64::from(tenth) / 10.0;
        hall.read(1, s, 1.0).tick(s);
        if told.is_none() && hall.transitions().any(|t| &*t.alarm.level == "stale") {
            told = Some(s);
        }
    }
    let told = told.expect("the silence is told");
    assert!((20.0..=22.0).contains(&told), "after two periods of 10 s and at most 2 s more: {told}");
    let process = hall.engine.open_alarms().into_iter().find(|a| &*a.level == "h").unwrap();
    assert!(process.data_lost && process.active && process.state == State::Unacknowledged, "{process:?}");
    assert!(!hall.causes().contains(&Cause::Recovered));
}

#[test]
fn a7_a_link_that_is_down_is_one_alarm_and_all_that_it_explains_is_there_to_see() {
    let watched = |name: &str| alarm::TagSettings { period_s: Some(2.0), ..tag(name) };
    let names: Vec<String> = (0..40).map(|n| format!("t{n}")).collect();
    let stale = (0..40).map(|n| condition(n, ConditionKind::Stale)).collect();
    let mut hall = Hall::new(names.iter().map(|n| watched(n)).collect(), stale);
    for n in 0..40 {
        hall.read(n, 0.0, 1.0);
    }
    let scope = LinkScope::Gateway(GatewayIndex(0), "plant".into());
    hall.step(1.0, Event::Link(LinkChange { scope, up: false, reason: "will".into() }));
    hall.tick(20.0);
    let open = hall.engine.open_alarms();
    let (parents, children): (Vec<_>, Vec<_>) = open.into_iter().partition(|a| &*a.enterprise == "hall");
    assert_eq!((parents.len(), children.len()), (1, 40), "one stands for all, and all are on the list");
    let parent = &parents[0].condition_key;
    assert!(children.iter().all(|c| c.suppressed_by.contains(parent)), "each names what explains it");
    let sounded = hall.transitions().filter(|t| t.annunciation == alarm::Annunciation::Individual);
    let sounded: Vec<_> = sounded.map(|t| t.alarm.condition_key.clone()).collect();
    assert_eq!(sounded, std::slice::from_ref(parent), "only the parent sounds");
}

/// A gas detector whose two relay contacts come as two tags, `a` level 1 and `b` level 2.
fn contacts() -> Hall {
    let mut watch = condition(1, ConditionKind::Inconsistent(program("b >= 1 ppm and not (a >= 1 ppm)")));
    (watch.on_delay_s, watch.priority, watch.class) = (5.0, Priority::Diagnostic, "sensor-fault".into());
    let levels = vec![condition(0, ConditionKind::High(1.0)), condition(1, ConditionKind::HighHigh(1.0)), watch];
    Hall::new(vec![tag("a"), tag("b"), tag("c"), tag("d")], levels)
}

/// Readings `(second, level 1, level 2)`; whether the contradiction stands at the end.
#[track_caller]
fn check_levels(readings: &[(f64, f64, f64)], flagged: bool) -> Hall {
    let mut hall = contacts();
    for &(s, first, second) in readings {
        hall.read(0, s, first).read(1, s, second);
    }
    let open = hall.engine.open_alarms();
    let found = open.iter().find(|a| &*a.level == "inconsistent");
    assert_eq!(found.is_some_and(|a| a.active), flagged, "{readings:?}: {}", hall.story());
    hall
}

#[test]
fn a8_level_two_without_level_one_is_flagged_as_a_sensor_fault() {
    let hall = check_levels(&[(0.0, 0.0, 0.0), (1.0, 0.0, 1.0), (7.0, 0.0, 1.0)], true);
    let open = hall.engine.open_alarms();
    let danger = open.iter().find(|a| &*a.level == "hh").expect("the danger itself is told all the same");
    assert_eq!(danger.state, State::Unacknowledged);
    let flag = open.iter().find(|a| &*a.level == "inconsistent").unwrap();
    assert_eq!((&*flag.class, flag.priority, &*flag.tag_name), ("sensor-fault", Priority::Diagnostic, "b"));
    // Both in alarm, in either order within seconds: a danger, and no fault.
    check_levels(&[(0.0, 0.0, 0.0), (1.0, 0.0, 1.0), (4.0, 1.0, 1.0), (20.0, 1.0, 1.0)], false);
    check_levels(&[(0.0, 0.0, 0.0), (1.0, 1.0, 0.0), (20.0, 1.0, 0.0), (30.0, 1.0, 1.0), (40.0, 1.0, 1.0)], false);
    // The first follows late: the flag goes by itself.
    check_levels(&[(0.0, 0.0, 0.0), (1.0, 0.0, 1.0), (7.0, 0.0, 1.0), (8.0, 1.0, 1.0)], false);
}

#[test]
fn a8_a_first_level_that_is_unknown_contradicts_nothing() {
    let mut hall = contacts();
    hall.read(1, 1.0, 1.0).read(1, 20.0, 1.0);
    assert!(hall.engine.open_alarms().iter().all(|a| &*a.level != "inconsistent"), "level 1 was never heard");
}

#[derive(Clone, Debug)]
enum Stray {
    /// The newest reading once more.
    Duplicate,
    /// A normal value from so many milliseconds before the newest reading.
    Late(i64),
}

proptest! {
    #![proptest_config(cases())]

    /// While the newest reading says danger, whatever comes twice, late or in the wrong order ends no alarm.
    #[test]
    fn a9_duplicates_and_late_readings_never_return_an_alarm(
        strays in prop::collection::vec(prop_oneof![
            Just(Stray::Duplicate),
            (1..100_000_i64).prop_map(Stray::Late),
        ], 1..60),
        steady in 1..3_usize,
    ) {
        let mut hall = Hall::new(vec![tag("a")], vec![condition(0, ConditionKind::High(50.0))]);
        hall.read(0, 1_000.0, 60.0);
        let (mut newest, mut s) = (1_000.0, 1_000.0);
        // Three late ones in a row would be a clock that stepped: live readings come in between.
        for group in strays.chunks(steady) {
            for stray in group {
                s += 0.01;
                match stray {
                    Stray::Duplicate => hall.give(s, Reading { server_time: at(s), ..Hall::reading(0, newest, 60.0) }),
                    Stray::Late(ms) => {
                        let old = Hall::reading(0, newest - *ms as f64 / 1e3, 10.0);
                        hall.give(s, Reading { server_time: at(s), ..old })
                    }
                };
            }
            s += 0.01;
            newest = s;
            hall.read(0, s, 61.0);
        }
        prop_assert!(!hall.causes().contains(&Cause::Recovered), "{}", hall.story());
        prop_assert!(hall.engine.open_alarms().iter().any(|a| a.active));
    }
}

#[test]
fn a3_a_console_that_is_silent_acknowledges_nothing() {
    // The engine has no word for silence at all: what a console mutes stays with the console, and the ladder goes on.
    let mut c = condition(0, ConditionKind::High(50.0));
    c.escalation = vec![alarm::EscalationStep { after_s: 30.0, to: "shift_lead".into() }];
    let mut hall = Hall::new(vec![tag("a")], vec![c]);
    hall.read(0, 1.0, 60.0).tick(32.0);
    assert_eq!(hall.story(), "1:Raised 1:Escalated");
    hall.ack(33.0, 1).unwrap();
    let by: Option<Actor> = hall.engine.open_alarms()[0].acknowledgement.clone().map(|a| a.by);
    assert_eq!(by, Some(officer()), "only a person's acknowledgement is one");
}
